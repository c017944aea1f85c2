"""What `put()` and `Message` take by name beside body, address and headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from time import time
from typing import Any, Final, TypeAlias

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import MAX_SECONDS, is_number, short_text
from asyncworker.rabbitmq.delaying.ladder import MAX_DELAY

MAX_SHORT_STRING: Final = 255
"""Bytes in a short string (AMQP 0-9-1, 4.2.5.3)."""
MAX_PRIORITY: Final = 255

Keywords: TypeAlias = tuple[Any, ...]
"""The values of NAMES in that order, None where nothing was given."""

TEXTS: Final = ("message_id", "correlation_id", "reply_to", "type", "app_id", "content_type")
NAMES: Final = (*TEXTS, "priority", "timestamp", "expiration", "delay", "at")
NOTHING: Final[Keywords] = (None,) * len(NAMES)
_IN_PROPERTIES: Final = {"type": "message_type"}
"""Those that have another name in `properties`."""


def checked_keywords(keywords: Keywords, properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what was given, by name.

    properties: those that are given in the other way.
    Raises: ConfigurationError
    """
    given = named(keywords)
    for name, value in given.items():
        _CHECKS.get(name, _check_text)(name, value)
        other = _IN_PROPERTIES.get(name, name)
        if isinstance(properties, Mapping) and properties.get(other) is not None:
            both = f"{name}= and properties[{other!r}]"
            raise ConfigurationError(f"{both} are both given: say it once")
    _check_times(given, properties)
    return given


def named(keywords: Keywords) -> dict[str, Any]:
    """Return what was given, by name."""
    return {name: value for name, value in zip(NAMES, keywords, strict=True) if value is not None}


def properties_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given, checked, as properties by the library's names for them."""
    properties = {
        _IN_PROPERTIES.get(name, name): value
        for name, value in given.items()
        if name not in ("delay", "at")
    }
    if "expiration" in properties:
        properties["expiration"] = milliseconds(properties["expiration"])
    return properties


def milliseconds(expiration: float) -> str:
    """Return seconds as the broker takes an expiration: something is never rounded to nothing."""
    return str(max(1, round(expiration * 1000)) if expiration else 0)


def delay_of(given: Mapping[str, Any]) -> float:
    """Return for how many seconds a message is to be kept first; 0 if it goes at once."""
    if "at" in given:
        return float(max(0, given["at"].timestamp() - time()))
    return float(given.get("delay", 0))


def due_of(given: Mapping[str, Any]) -> float:
    """Return until which moment a message is to be kept, in seconds since 1970; 0 if for a time."""
    return float(given["at"].timestamp()) if "at" in given else 0.0


def _check_text(name: str, value: Any) -> None:
    short_text(name, value, MAX_SHORT_STRING)
    if not value:
        raise ConfigurationError(f"{name} must be a non-empty string, got {value!r}")


def _check_priority(name: str, value: Any) -> None:
    if type(value) is not int or not 0 <= value <= MAX_PRIORITY:
        raise ConfigurationError(f"{name} must be an int from 0 to {MAX_PRIORITY}, got {value!r}")


def _check_moment(name: str, value: Any) -> None:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(
            f"{name} must be an aware datetime, as datetime.now(UTC), got {value!r}"
        )


def _check_timestamp(name: str, value: Any) -> None:
    _check_moment(name, value)
    if value.timestamp() < 0:
        raise ConfigurationError(f"{name} must not be before 1970, got {value!r}")


def _check_expiration(name: str, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= MAX_SECONDS:
        limits = f"from 0 to {MAX_SECONDS:.0f}"
        raise ConfigurationError(f"{name} must be a number of seconds {limits}, got {value!r}")


def _check_delay(name: str, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= MAX_DELAY:
        limits = f"from 0 to {MAX_DELAY:.0f}"
        raise ConfigurationError(f"{name} must be a number of seconds {limits}, got {value!r}")


def _check_at(name: str, value: Any) -> None:
    _check_moment(name, value)
    if value.timestamp() - time() > MAX_DELAY:
        limit = f"{MAX_DELAY:.0f} seconds, which are 17 years"
        raise ConfigurationError(f"{name} must be within the next {limit}, got {value!r}")


def _check_times(given: Mapping[str, Any], properties: Mapping[str, Any] | None) -> None:
    if "delay" in given and "at" in given:
        raise ConfigurationError("delay= and at= are both given: say when in one of them")
    expires = "expiration" in given or (
        isinstance(properties, Mapping) and properties.get("expiration") is not None
    )
    if expires and (late := given.keys() & {"delay", "at"}):
        raise ConfigurationError(
            f"expiration= and {late.pop()}= are both given: it would end the waiting"
        )


_CHECKS: Final = {
    "priority": _check_priority,
    "timestamp": _check_timestamp,
    "expiration": _check_expiration,
    "delay": _check_delay,
    "at": _check_at,
}
