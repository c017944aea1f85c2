"""A server and its clients: from a bound port to the last answer."""
