"""The command `asyncworker dead`."""
