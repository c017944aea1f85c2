"""Where a route is in a stream, kept over restarts."""
