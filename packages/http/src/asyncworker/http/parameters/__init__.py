"""From a request to a handler's arguments: where each comes from, and what it must be."""
