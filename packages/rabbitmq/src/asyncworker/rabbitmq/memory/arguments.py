"""What a queue is asked to do beyond holding messages: its x-arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.rabbitmq.memory.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERFLOWS: Final = ("drop-head", "reject-publish", "reject-publish-dlx")
TYPES: Final = ("classic", "quorum")
MISSING: Final = (
    "x-delivery-limit",
    "x-max-priority",
    "x-single-active-consumer",
)
"""What RabbitMQ has and this broker has not: better refused than silently not done."""
COMPARED: Final = (
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-message-ttl",
    "x-overflow",
    "x-queue-mode",
    "x-queue-type",
)
"""What may not differ when a queue is declared again; others are not looked at."""

INTEGERS: Final = {
    "byte": (-(2**7), 2**7),
    "short": (-(2**15), 2**15),
    "unsignedshort": (0, 2**16),
    "signedint": (-(2**31), 2**31),
    "unsignedint": (0, 2**32),
}
"""What RabbitMQ calls whole numbers, by size; larger ones are long."""


class Rules(NamedTuple):
    """Hold the arguments of a queue, checked. Times are in seconds."""

    ttl: float | None = None
    expires: float | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None


def rules_of(arguments: Mapping[str, Any], subject: str) -> Rules:
    """Return what arguments say.

    subject: `queue 'name' in vhost 'name'`.
    Raises: Refused
    """
    for name in MISSING:
        if name in arguments:
            raise Refused(540, f"memory:// has no {name}")
    reader = _Reader(arguments, subject)
    reader.one_of("x-queue-type", TYPES)
    rules = Rules(
        ttl=reader.seconds("x-message-ttl", 0),
        expires=reader.seconds("x-expires", 1),
        max_length=reader.whole("x-max-length", 0),
        max_bytes=reader.whole("x-max-length-bytes", 0),
        overflow=reader.one_of("x-overflow", OVERFLOWS) or "drop-head",
        dead_letter_exchange=reader.text("x-dead-letter-exchange"),
        dead_letter_routing_key=reader.text("x-dead-letter-routing-key"),
    )
    if rules.dead_letter_routing_key is not None and rules.dead_letter_exchange is None:
        raise reader.invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")
    return rules


class _Reader:
    def __init__(self, arguments: Mapping[str, Any], subject: str) -> None:
        self._arguments = arguments
        self._subject = subject

    def invalid(self, name: str, reason: str) -> Refused:
        return Refused(406, f"invalid arg '{name}' for {self._subject}: {reason}")

    def whole(self, name: str, least: int) -> int | None:
        value = self._arguments.get(name)
        if value is None:
            return None
        if type(value) is not int:
            raise self.invalid(name, "expected integer")
        if value < least:
            raise self.invalid(name, f"{{value_{'zero' if value == 0 else 'negative'},{value}}}")
        return value

    def seconds(self, name: str, least: int) -> float | None:
        value = self.whole(name, least)
        return None if value is None else value / 1000

    def text(self, name: str) -> str | None:
        value = self._arguments.get(name)
        if not isinstance(value, str | None):
            raise self.invalid(name, "expected a string")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise self.invalid(name, f"{value!r} is none of {', '.join(choices)}")
        return value


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
    return f"the value {text} of type '{_type_of(value)}'" if typed else text


def _type_of(value: Any) -> str:
    if not isinstance(value, int):
        return "longstr"
    fitting = (name for name, (least, end) in INTEGERS.items() if least <= value < end)
    return next(fitting, "long")
