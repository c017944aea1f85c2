"""Name the version of asyncworker-sse."""

__version__ = "0.1.0"
