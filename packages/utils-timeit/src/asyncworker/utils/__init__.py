"""Offer the helpers that need nothing else installed."""

from asyncworker.utils.timeit import Timeit

__all__ = ["Timeit"]
