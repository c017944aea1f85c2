"""Rate: how many items a route begins with in some time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, TypeAlias

from asyncworker.errors import ConfigurationError

Key: TypeAlias = Callable[[Any], Hashable] | str
"""What tells the key of an item: a function of it, or the name of a header."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Have a route begin with at most so many messages in some time, by a token bucket.

    What has to wait stays unsettled, and the broker sends no more than one prefetch.

    count: messages that may begin in `per` seconds. burst: how many may begin at once after a rest;
    a tenth of `count` when left out. by: what tells whose rate it is, so that each key has one of
    its own: a function of a message, or the name of a header. What has none waits for nothing.
    shared: whether the live consumers of a queue share the rate, each an equal part of it.
    Raises: ConfigurationError
    """

    count: float
    per: float = 1.0
    burst: int | None = None
    by: Key | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        for name, noun in (("count", "messages"), ("per", "seconds")):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                _refuse(name, f"a number of {noun}, more than 0", value)
        if self.burst is not None and (type(self.burst) is not int or self.burst < 1):
            _refuse("burst", "a number of messages, at least 1", self.burst)
        if self.by is not None:
            object.__setattr__(self, "by", checked_key(self.by, "Rate: by "))
        if not isinstance(self.shared, bool):
            _refuse("shared", "True or False", self.shared)

    def __repr__(self) -> str:
        given = [f"{self.count:g}"]
        given += [
            f"{one.name}={shown_key(value) if one.name == 'by' else value}"
            for one in fields(self)[1:]
            if (value := getattr(self, one.name)) != one.default
        ]
        return f"Rate({', '.join(given)})"

    @property
    def per_second(self) -> float:
        """Return how many may begin in a second."""
        return self.count / self.per

    @property
    def most_at_once(self) -> int:
        """Return how many may begin at once after a rest."""
        return self.burst or max(1, int(self.count / 10))


def checked_key(value: Any, subject: str = "") -> Key:
    """Return what tells the key of an item.

    subject: what it is, for the error message.
    Raises: ConfigurationError
    """
    # Those of coroutine functions are no keys, but coroutines that nobody awaits.
    is_async = getattr(getattr(value, "__code__", None), "co_flags", 0) & 0x80
    if is_async or not (callable(value) or (isinstance(value, str) and value)):
        wanted = "must be a function of one message, not async, or the name of a header"
        raise ConfigurationError(f"{subject}{wanted}")
    key: Key = value
    return key


def shown_key(value: Key) -> str:
    """Return a key as tables show it."""
    return repr(value) if isinstance(value, str) else getattr(value, "__name__", repr(value))


def _refuse(name: str, wanted: str, value: Any) -> None:
    raise ConfigurationError(f"Rate: {name} must be {wanted}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
