"""Pause: a handler, or what it raises, has its route wait."""

from __future__ import annotations

from math import isfinite

from asyncworker.errors import ConfigurationError


class Pause(Exception):
    """Have a route take nothing for some time; then it tries one message, and goes on.

    As a value of `Events.ON_EXCEPTION` it is for what the handler raised; raised by a handler it is
    for what that met, such as an answer 429 with `Retry-After`. What the handler was given goes
    back, and counts no attempt.

    seconds: from what had the route wait to the try.
    Raises: ConfigurationError
    """

    def __init__(self, seconds: float) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ConfigurationError(f"Pause: seconds must be a number, got {seconds!r}")
        if not (isfinite(seconds) and seconds > 0):
            raise ConfigurationError(f"Pause: seconds must be more than 0, got {seconds!r}")
        super().__init__(seconds)
        self.seconds: float = float(seconds)

    def __str__(self) -> str:
        return repr(self)
