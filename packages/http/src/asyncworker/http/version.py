"""Name the version of asyncworker-http."""

__version__ = "0.1.0"
