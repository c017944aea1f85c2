"""Whether what is declared again is what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.memory.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

INTEGERS: Final = {
    "byte": (-(2**7), 2**7),
    "short": (-(2**15), 2**15),
    "unsignedshort": (0, 2**16),
    "signedint": (-(2**31), 2**31),
    "unsignedint": (0, 2**32),
}
"""What RabbitMQ calls whole numbers, by size; larger ones are long."""


def check_same(
    subject: str, current: Mapping[str, Any], received: Mapping[str, Any], names: tuple[str, ...]
) -> None:
    """Compare what is there with what is declared.

    subject: `queue 'name' in vhost 'name'`.
    Raises: Refused
    """
    for name in names:
        before, now = current.get(name), received.get(name)
        if before != now:
            typed = None in (before, now)
            raise Refused(
                406,
                f"inequivalent arg {name!r} for {subject}: "
                f"received {_shown(now, typed)} but current is {_shown(before, typed)}",
            )


def _shown(value: Any, typed: bool) -> str:
    """Return a value as RabbitMQ shows it: with its type when the other one is none."""
    if value is None:
        return "none"
    text = f"'{str(value).lower() if isinstance(value, bool) else value}'"
    return f"the value {text} of type '{type_of(value)}'" if typed else text


def type_of(value: Any) -> str:
    """Return what RabbitMQ calls the type of a value."""
    if isinstance(value, bool):
        return "bool"
    if not isinstance(value, int):
        return "longstr"
    fitting = (name for name, (least, end) in INTEGERS.items() if least <= value < end)
    return next(fitting, "long")
