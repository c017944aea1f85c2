"""The x-arguments of queues, exchanges and consumers: what they say, and what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.rabbitmq.memory.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERFLOWS: Final = ("drop-head", "reject-publish", "reject-publish-dlx")
CLASSIC, QUORUM, STREAM = TYPES = ("classic", "quorum", "stream")
OF_TYPE: Final = {
    CLASSIC: ("x-max-priority", "x-queue-master-locator", "x-queue-mode", "x-queue-version"),
    QUORUM: (
        "x-consumer-disconnected-timeout",
        "x-consumer-timeout",
        "x-dead-letter-strategy",
        "x-delayed-retry-max",
        "x-delayed-retry-min",
        "x-delayed-retry-type",
        "x-delivery-limit",
        "x-max-in-memory-bytes",
        "x-max-in-memory-length",
        "x-quorum-initial-group-size",
    ),
    STREAM: (
        "x-initial-cluster-size",
        "x-max-age",
        "x-stream-filter",
        "x-stream-filter-size-bytes",
        "x-stream-match-unfiltered",
        "x-stream-max-segment-size-bytes",
        "x-stream-offset",
    ),
}
"""What only queues of one type, and their consumers, have."""
NOT_OF_STREAMS: Final = (
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-expires",
    "x-max-length",
    "x-message-ttl",
    "x-overflow",
    "x-priority",
    "x-single-active-consumer",
)
"""What all others have."""
ALL_TYPES: Final = (
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-message-ttl",
    "x-overflow",
    "x-queue-type",
    "x-single-active-consumer",
)
COMPARED: Final = (*ALL_TYPES, *OF_TYPE[CLASSIC], *OF_TYPE[QUORUM], *OF_TYPE[STREAM])
"""What may not differ when a queue is declared again; others are not looked at."""
MAX_PRIORITY: Final = 255
DELIVERY_LIMIT: Final = 20
CONSUMER_TIMEOUT: Final = 1800.0
DENIED: Final = (
    "Feature `queue_master_locator` is deprecated.\n"
    "By default, this feature is not permitted anymore.\n"
)
UNITS: Final = {"Y": 31_557_600, "M": 2_629_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
INTERVAL: Final = re.compile(f"([1-9][0-9]*)([{''.join(UNITS)}])")
INTEGERS: Final = {
    "byte": (-(2**7), 2**7),
    "short": (-(2**15), 2**15),
    "unsignedshort": (0, 2**16),
    "signedint": (-(2**31), 2**31),
    "unsignedint": (0, 2**32),
}
"""What RabbitMQ calls whole numbers, by size; larger ones are long."""


def seconds_of(interval: Any) -> int | None:
    """Return the seconds of what is written as `7D` or `60s`; None if it is nothing like that."""
    found = INTERVAL.fullmatch(interval) if isinstance(interval, str) else None
    return None if found is None else int(found[1]) * UNITS[found[2]]


class Delays(NamedTuple):
    """Say which messages that come back wait, and for how long. Times are in seconds."""

    which: str
    least: float
    most: float


class Rules(NamedTuple):
    """Hold the arguments of a queue, checked. Times are in seconds; a limit below 0 is none.

    keeps_dead_letters: whether a dead letter stays until a queue has it.
    """

    type: str = CLASSIC
    ttl: float | None = None
    expires: float | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    keeps_dead_letters: bool = False
    single_active: bool = False
    max_priority: int = 0
    delivery_limit: int = -1
    consumer_timeout: float | None = None
    max_age: int | None = None
    retry: Delays | None = None


def rules_of(arguments: Mapping[str, Any], subject: str) -> Rules:
    """Return what arguments say.

    Raises: Refused
    """
    given = Arguments(arguments, subject)
    kind = given.one_of("x-queue-type", TYPES) or CLASSIC
    check_known(given, kind)
    if "x-queue-master-locator" in arguments:
        raise Refused(541, DENIED)
    version = given.whole("x-queue-version")
    if version not in (None, 2):
        raise given.invalid("x-queue-version", f"\"unsupported queue version '{version}'\"")
    rules = Rules(
        type=kind,
        ttl=given.seconds("x-message-ttl", 0),
        expires=given.seconds("x-expires", 1),
        max_length=given.whole("x-max-length", 0),
        max_bytes=given.whole("x-max-length-bytes", 0),
        overflow=given.one_of("x-overflow", OVERFLOWS) or "drop-head",
        dead_letter_exchange=given.text("x-dead-letter-exchange"),
        dead_letter_routing_key=given.text("x-dead-letter-routing-key"),
        single_active=given.flag("x-single-active-consumer"),
        max_priority=given.whole("x-max-priority", 0, MAX_PRIORITY) or 0,
    )
    if rules.dead_letter_routing_key is not None and rules.dead_letter_exchange is None:
        raise given.invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")
    if kind == STREAM:
        return rules._replace(max_age=given.interval("x-max-age"))
    return rules if kind == CLASSIC else _of_quorum(rules, given)


def _of_quorum(rules: Rules, given: Arguments) -> Rules:
    """Add what only quorum queues have. What makes no sense there counts as not said."""
    timeout = given.seconds("x-consumer-timeout", 0)
    at_least_once = given.values.get("x-dead-letter-strategy") == "at-least-once"
    return rules._replace(
        # What a queue drops to make room for others it keeps no longer.
        keeps_dead_letters=at_least_once
        and rules.overflow == "reject-publish"
        and rules.dead_letter_exchange is not None,
        overflow="drop-head" if rules.overflow == "reject-publish-dlx" else rules.overflow,
        delivery_limit=given.loose("x-delivery-limit", DELIVERY_LIMIT),
        consumer_timeout=CONSUMER_TIMEOUT if timeout is None else timeout,
        retry=_delays(given),
    )


def _delays(given: Arguments) -> Delays | None:
    which = given.values.get("x-delayed-retry-type")
    least = given.loose("x-delayed-retry-min", 0)
    most = given.loose("x-delayed-retry-max", 0)
    if which not in ("all", "failed", "returned") or least <= 0:
        return None
    return Delays(which, least / 1000, (most if most > 0 else least) / 1000)


def check_properties(
    rules: Rules, subject: str, *, durable: bool, auto_delete: bool, exclusive: bool
) -> None:
    """Refuse what a new queue of its type cannot be.

    Raises: Refused
    """
    wanted = {"non-durable": not durable, "auto-delete": auto_delete, "exclusive-owner": exclusive}
    for name, is_wanted in wanted.items():
        if is_wanted and rules.type != CLASSIC:
            raise Refused(406, f"invalid property '{name}' for {subject}")


def check_known(given: Arguments, kind: str) -> None:
    """Refuse what only queues of another type have.

    Raises: Refused
    """
    foreign = [name for one in TYPES if one != kind for name in OF_TYPE[one]]
    for name in (*foreign, *(NOT_OF_STREAMS if kind == STREAM else ())):
        if name in given.values:
            what = f"invalid arg '{name}' for {given.subject}"
            raise Refused(406, f"{what} of queue type rabbit_{kind}_queue")


class Arguments:
    """Read arguments by their names.

    subject: `queue 'name' in vhost 'name'`. All raise Refused.
    """

    def __init__(self, values: Mapping[str, Any], subject: str) -> None:
        self.values = values
        self.subject = subject

    def invalid(self, name: str, reason: str) -> Refused:
        """Return the answer to who gives what cannot be."""
        return Refused(406, f"invalid arg '{name}' for {self.subject}: {reason}")

    def loose(self, name: str, default: int) -> int:
        """Return a whole number; anything else counts as not said."""
        value = self.values.get(name)
        return value if type(value) is int else default

    def whole(self, name: str, least: int | None = None, most: int | None = None) -> int | None:
        """Return a whole number."""
        value = self.values.get(name)
        if value is None:
            return None
        if type(value) is not int:
            raise self.invalid(name, f'"expected integer, got {_type_of(value)}"')
        if least is not None and value < least:
            raise self.invalid(name, f"{{value_{'zero' if value == 0 else 'negative'},{value}}}")
        if most is not None and value > most:
            raise self.invalid(name, f"{{max_value_exceeded,{value}}}")
        return value

    def seconds(self, name: str, least: int) -> float | None:
        """Return milliseconds, as seconds."""
        value = self.whole(name, least)
        return None if value is None else value / 1000

    def interval(self, name: str) -> int | None:
        """Return a time that is written as `7D`, in seconds."""
        text = self.text(name)
        if text is None:
            return None
        if (seconds := seconds_of(text)) is None:
            raise self.invalid(name, "invalid_max_age")
        return seconds

    def flag(self, name: str) -> bool:
        """Return whether something is wanted."""
        value = self.values.get(name)
        if not isinstance(value, bool | None):
            raise self.invalid(name, f"{{unacceptable_type,{_type_of(value)}}}")
        return bool(value)

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self.values.get(name)
        if not isinstance(value, str | None):
            raise self.invalid(name, "expected a string")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> str | None:
        """Return one of several texts."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise self.invalid(name, f"{value!r} is none of {', '.join(choices)}")
        return value


def check_same(subject: str, current: Mapping[str, Any], received: Mapping[str, Any]) -> None:
    """Compare what is there with what is declared again.

    Raises: Refused
    """
    for name, before in current.items():
        now = received[name]
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
    """Return what RabbitMQ calls the type of a value."""
    if isinstance(value, bool):
        return "bool"
    if not isinstance(value, int):
        return "longstr"
    fitting = (name for name, (least, end) in INTEGERS.items() if least <= value < end)
    return next(fitting, "long")
