"""Messages on their way to the broker, confirmed by it within a deadline."""
