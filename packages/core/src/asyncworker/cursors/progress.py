"""Progress: up to where what came in order is handled."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
P = TypeVar("P")


class Progress(Generic[K, P]):
    """Tell the place up to which all is handled, in whatever order handlers end.

    place: the one to begin with. It holds no more than what is not handled.
    """

    def __init__(self, place: P) -> None:
        self._latest = place
        # Of a dict that loses its first entries all the time, the first is found ever more slowly.
        self._open: OrderedDict[K, P] = OrderedDict()
        """What is not handled, in order, each with the place before it."""

    def came(self, item: K, place: P) -> None:
        """Note an item, and the place that is reached with it."""
        self._open[item] = self._latest
        self._latest = place

    def handled(self, item: K) -> None:
        """Note that an item is handled; one that is not known changes nothing."""
        self._open.pop(item, None)

    def is_open(self, item: K) -> bool:
        """Tell whether an item came and is not handled."""
        return item in self._open

    @property
    def first(self) -> K | None:
        """Return the first item that is not handled, None if all are."""
        return next(iter(self._open), None)

    @property
    def latest(self) -> P:
        """Return the place that is reached with all that came."""
        return self._latest

    @property
    def place(self) -> P:
        """Return the place up to which all is handled."""
        return next(iter(self._open.values()), self._latest)
