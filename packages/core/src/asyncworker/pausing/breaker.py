"""Breaker: how much failure has a route wait, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import ceil, isfinite
from typing import Any

from asyncworker.errors import ConfigurationError
from asyncworker.handling.exception_groups import counts_as


@dataclass(frozen=True, slots=True)
class Breaker:
    """Have a route take nothing for some time, once too much of what it handles fails.

    It trips when a batch fails, and with it at least the part `failures` of the last `of` batches
    has, all of these within `within` seconds. After the pause the route tries one message, and goes
    on, or waits longer. Messages that met this count no attempt.

    failures: a part, more than 0 and up to 1. of: batches. within: seconds.
    pause: seconds of the first pause. factor: by which each is longer than the one before.
    max_pause: seconds that no pause exceeds. on: the exceptions that count; a group of exceptions
    does when all in it do.
    Raises: ConfigurationError
    """

    failures: float = 0.5
    of: int = 20
    within: float = 60.0
    pause: float = 5.0
    factor: float = 2.0
    max_pause: float = 300.0
    on: type[Exception] | tuple[type[Exception], ...] = Exception

    def __post_init__(self) -> None:
        if not (_is_number(self.failures) and 0 < self.failures <= 1):
            _refuse("failures", "a part of all batches, more than 0 and up to 1", self.failures)
        if type(self.of) is not int or self.of < 1:
            _refuse("of", "a number of batches, at least 1", self.of)
        for name in ("within", "pause", "max_pause"):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                _refuse(name, "a number of seconds, more than 0", value)
        if self.max_pause < self.pause:
            _refuse("max_pause", f"at least pause={self.pause!r}", self.max_pause)
        if not (_is_number(self.factor) and self.factor >= 1):
            _refuse("factor", "a number of at least 1", self.factor)
        object.__setattr__(self, "on", _classes(self.on))

    def __repr__(self) -> str:
        given = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)
            if one.name != "on" and getattr(self, one.name) != one.default
        ]
        if self.on != (Exception,):
            given.append(f"on={'|'.join(one.__name__ for one in _classes(self.on))}")
        return f"Breaker({', '.join(given)})"

    @property
    def most(self) -> int:
        """Return how many of the last batches may not fail."""
        return ceil(self.failures * self.of)

    def counts(self, raised: Exception) -> bool:
        """Tell whether what was raised is a failure."""
        return counts_as(raised, self.on)

    def seconds(self, pauses: int) -> float:
        """Return how long a pause is, after so many in a row."""
        try:
            return min(self.pause * self.factor**pauses, self.max_pause)
        except OverflowError:
            return self.max_pause


def _refuse(name: str, wanted: str, value: Any) -> None:
    raise ConfigurationError(f"Breaker: {name} must be {wanted}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _classes(given: Any) -> tuple[type[Exception], ...]:
    classes = (given,) if isinstance(given, type) else given
    if not isinstance(classes, tuple | list) or not classes:
        _refuse("on", "an exception or a tuple of these", given)
    for one in classes:
        if not (isinstance(one, type) and issubclass(one, Exception)):
            _refuse("on", "classes of Exception", one)
    return tuple(classes)
