"""Handlers that run by the clock (`app.run_every()`, `app.run_at()`)."""
