"""Messages that are published again: to wait for their next attempt, to stay alive, or as dead."""
