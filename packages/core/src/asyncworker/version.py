"""Name the version of asyncworker-core."""

__version__ = "0.1.0"
