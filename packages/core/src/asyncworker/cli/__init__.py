"""The command `asyncworker`."""
