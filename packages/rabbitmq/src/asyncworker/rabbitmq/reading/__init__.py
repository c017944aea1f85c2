"""Where a route is in its streams, and what of them is handled."""
