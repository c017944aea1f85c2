"""Name the version of asyncworker-timeit."""

__version__ = "0.1.0"
