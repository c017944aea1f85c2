"""The orders of messages.py as types, one file for each kind of them."""

from importlib import import_module
from typing import Any


def order(model: str) -> Any:
    """Return the type of an order; only its own library is imported for it."""
    return import_module(f"benchmarks.models.{model}").Order
