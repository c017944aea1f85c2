"""Messages on their way from a channel to the handler of one route."""
