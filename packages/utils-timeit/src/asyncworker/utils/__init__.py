"""Offer the helpers that need nothing else installed."""

from asyncworker.utils.timeit import Timeit
from asyncworker.utils.version import __version__

__all__ = ["Timeit", "__version__"]
