"""What a user wrote, checked on the user's line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pamqp import encode

from asyncworker.errors import ConfigurationError

MAX_SECONDS: Final = 45 * 24 * 3600.0
"""The longest time in a queue. The broker counts milliseconds in 32 bits: 49 days."""
MAX_COUNT: Final = 2**31 - 1
MAX_SHORT: Final = 65535
"""The largest port, prefetch and heartbeat (AMQP 0-9-1, 4.2.5.1: short)."""
MAX_FIELD_NAME: Final = 128
"""Characters in the name of an argument (AMQP 0-9-1, 4.2.5.5)."""
RESERVED: Final = "amq."


def checked_name(kind: str, name: Any, longest: int, *, is_ours: bool = True) -> str:
    """Return the name of a queue or an exchange.

    longest: bytes. is_ours: whether we declare it, which the broker's own names refuse.
    Raises: ConfigurationError
    """
    short_text(f"{kind}: name", name, longest)
    if not name:
        raise ConfigurationError(f"{kind}: name must be a non-empty string, got {name!r}")
    if "\r" in name or "\n" in name:
        # The broker would leave them out as it declares it, and not as it consumes it.
        raise ConfigurationError(f"{kind}: name must be of one line, got {name!r}")
    if is_ours and name.startswith(RESERVED):
        raise ConfigurationError(
            f"{kind}: name {name!r} is the broker's own, as all that begin with {RESERVED}: "
            "give it as a string"
        )
    return str(name)


def short_text(subject: str, value: Any, longest: int) -> None:
    """Accept a string of so many bytes.

    Raises: ConfigurationError
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{subject} must be a string, got {value!r}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        reason = "has a surrogate, which is half a character and has no UTF-8"
        raise ConfigurationError(f"{subject} {reason}: {value!r}") from None
    if size > longest:
        raise ConfigurationError(f"{subject} has at most {longest} bytes, got {value!r}")


def checked_seconds(subject: str, value: Any) -> float:
    """Return a time that a message may wait in a queue.

    Raises: ConfigurationError
    """
    if not is_number(value) or not 0.001 <= value <= MAX_SECONDS:
        limits = f"from 0.001 to {MAX_SECONDS:.0f}"
        raise ConfigurationError(f"{subject} must be a number of seconds {limits}, got {value!r}")
    return float(value)


def checked_count(subject: str, value: Any, most: int = MAX_COUNT) -> int:
    """Return a number of things that are counted from 1.

    Raises: ConfigurationError
    """
    if type(value) is not int or not 1 <= value <= most:
        raise ConfigurationError(f"{subject} must be an int from 1 to {most}, got {value!r}")
    return value


def checked_short(name: str, value: Any, least: int) -> int:
    """Return a value that is a whole number in the range of AMQP.

    Raises: ConfigurationError, naming the argument.
    """
    if type(value) is not int or not least <= value <= MAX_SHORT:
        raise ConfigurationError(
            f"{name} must be an int from {least} to {MAX_SHORT}, got {value!r}"
        )
    return value


def is_number(value: Any) -> bool:
    """Tell a number that can be counted with from True, from infinity and from all else."""
    return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)


def checked_flag(subject: str, name: str, value: Any) -> None:
    """Accept True or False.

    Raises: ConfigurationError
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{subject}: {name} must be True or False, got {value!r}")


def checked_arguments(
    subject: str, given: Any, own: Mapping[str, Any] = MappingProxyType({})
) -> Mapping[str, Any]:
    """Return arguments of a declaration, which can be changed no more.

    own: those that are said in another way.
    Raises: ConfigurationError
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{subject}: arguments must be a dict, got {given!r}")
    for name in given:
        if not isinstance(name, str) or not 0 < len(name) <= MAX_FIELD_NAME:
            reason = f"the names in arguments are strings of up to {MAX_FIELD_NAME}, got {name!r}"
            raise ConfigurationError(f"{subject}: {reason}")
        if name in own:
            reason = f"arguments hold {name!r} = {given[name]!r}, and so does another parameter"
            raise ConfigurationError(f"{subject}: {reason}: say it once")
        try:
            encode.field_table({name: given[name]})
        except (TypeError, ValueError, OverflowError) as error:
            reason = f"argument {name!r} has no AMQP form: {error}"
            raise ConfigurationError(f"{subject}: {reason}") from None
    return MappingProxyType(dict(given))
