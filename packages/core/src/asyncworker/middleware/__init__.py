"""What stands around handlers: middlewares, and hooks that are told what was raised."""
