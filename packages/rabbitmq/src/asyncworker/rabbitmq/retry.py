"""Retry: what is done with messages whose handler raised, when it is to be tried again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from asyncworker.errors import ConfigurationError
from asyncworker.handling.exception_groups import counts_as
from asyncworker.options import Actions
from asyncworker.rabbitmq.checks import checked_count, checked_seconds, is_number

STEPS: Final = 4
"""Into so many steps the range of a jittered delay is split: each delay has a queue of its own."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Have a message handled again later, some time after each failure; the broker keeps it.

    attempts: how often it is handled in all, the first time included. delay: seconds after the
    first failure. factor: by which each delay is longer than the one before.
    max_delay: seconds that no delay exceeds.
    jitter: the part of each delay, from 0 to 1, that is left to chance: 0.5 is for between half of
    it and all. on: the exceptions that are worth it; a group of exceptions is, when all in it are.
    then: what is done with a message after the last attempt, or when its handler raises something
    else. now: how many more attempts a message has at once, in its handler's place, before the
    first delay; only one that was handled alone, and not again after a delay.
    Raises: ConfigurationError
    """

    attempts: int = 5
    delay: float = 1.0
    factor: float = 2.0
    max_delay: float = 300.0
    jitter: float = 0.0
    on: type[Exception] | tuple[type[Exception], ...] = Exception
    then: Actions = Actions.REJECT
    now: int = 0

    def __post_init__(self) -> None:
        checked_count("Retry: attempts", self.attempts)
        if type(self.now) is not int or not 0 <= self.now < self.attempts:
            reason = f"now must be an int from 0, and less than attempts={self.attempts!r}"
            raise ConfigurationError(f"Retry: {reason}, got {self.now!r}")
        checked_seconds("Retry: delay", self.delay)
        checked_seconds("Retry: max_delay", self.max_delay)
        if self.max_delay < self.delay:
            reason = f"max_delay is less than delay={self.delay!r}, got {self.max_delay!r}"
            raise ConfigurationError(f"Retry: {reason}")
        if not is_number(self.factor) or self.factor < 1:
            reason = f"factor must be a number of at least 1, got {self.factor!r}"
            raise ConfigurationError(f"Retry: {reason}")
        if not is_number(self.jitter) or not 0 <= self.jitter <= 1:
            reason = f"jitter must be a number from 0 to 1, got {self.jitter!r}"
            raise ConfigurationError(f"Retry: {reason}")
        if not isinstance(self.then, Actions):
            raise ConfigurationError(f"Retry: then must be one of Actions, got {self.then!r}")
        object.__setattr__(self, "on", _exceptions(self.on))

    def __repr__(self) -> str:
        given = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)
            if one.name not in {"on", "then"} and getattr(self, one.name) != one.default
        ]
        if self.on != (Exception,):
            given.append(f"on={'|'.join(one.__name__ for one in _exceptions(self.on))}")
        if self.then is not Actions.REJECT:
            given.append(f"then=Actions.{self.then.name}")
        return f"Retry({', '.join(given)})"

    def outcome(self, raised: Exception) -> Actions | Retry:
        """Return what is done with messages whose handler raised this."""
        return self if counts_as(raised, self.on) else self.then

    def milliseconds(self, attempt: int) -> int:
        """Return how long a message waits after so many attempts, those at once left out."""
        try:
            grown = self.delay * math.pow(self.factor, attempt - 1)
        except OverflowError:
            grown = self.max_delay
        share = 1 - self.jitter * random.randint(0, STEPS) / STEPS  # noqa: S311 (jitter is no secret)
        return max(1, round(min(grown, self.max_delay) * share * 1000))


class Later(NamedTuple):
    """Stand for `message.retry(delay)`. delay: seconds; None: as the route's Retry has it."""

    delay: float | None

    def policy(self, on_exception: object) -> Retry:
        """Return what holds for what is not said, where this is done with what raised."""
        return on_exception if isinstance(on_exception, Retry) else Retry()

    def milliseconds(self, policy: Retry, attempt: int) -> int:
        """Return how long a message waits, where this is its policy."""
        return policy.milliseconds(attempt) if self.delay is None else rounded(self.delay)


def rounded(delay: float) -> int:
    """Return seconds as milliseconds, rounded up to two digits: each delay has its own queue."""
    milliseconds = max(1, round(delay * 1000))
    unit: int = 10 ** max(0, len(str(milliseconds)) - 2)
    return -(-milliseconds // unit) * unit


def _exceptions(given: Any) -> tuple[type[Exception], ...]:
    classes = (given,) if isinstance(given, type) else given
    if not isinstance(classes, tuple | list) or not classes:
        raise ConfigurationError(f"Retry: on must be a tuple of exceptions, got {given!r}")
    for one in classes:
        if not is_exception(one):
            raise ConfigurationError(f"Retry: on must hold classes of Exception, got {one!r}")
    return tuple(classes)


def is_exception(one: Any) -> bool:
    """Tell a class of Exception from all else."""
    return isinstance(one, type) and issubclass(one, Exception)
