"""What a queue is asked to do beyond holding messages: its x-arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERFLOWS: Final = ("drop-head", "reject-publish", "reject-publish-dlx")
CLASSIC, QUORUM = TYPES = ("classic", "quorum")
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
}
"""What only queues of one type have."""
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
COMPARED: Final = (*ALL_TYPES, *OF_TYPE[CLASSIC], *OF_TYPE[QUORUM])
"""What may not differ when a queue is declared again; others are not looked at."""
MAX_PRIORITY: Final = 255
DELIVERY_LIMIT: Final = 20
CONSUMER_TIMEOUT: Final = 1800.0
DENIED: Final = (
    "Feature `queue_master_locator` is deprecated.\n"
    "By default, this feature is not permitted anymore.\n"
)


class Delays(NamedTuple):
    """Say which messages that come back wait, and for how long. Times are in seconds."""

    which: str
    least: float
    most: float


class Rules(NamedTuple):
    """Hold the arguments of a queue, checked. Times are in seconds."""

    type: str = CLASSIC
    ttl: float | None = None
    expires: float | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    single_active: bool = False
    max_priority: int = 0
    delivery_limit: int = DELIVERY_LIMIT
    consumer_timeout: float | None = None
    retry: Delays | None = None


def rules_of(arguments: Mapping[str, Any], subject: str) -> Rules:
    """Return what arguments say.

    subject: `queue 'name' in vhost 'name'`.
    Raises: Refused
    """
    reader = Reader(arguments, subject)
    kind = reader.one_of("x-queue-type", TYPES) or CLASSIC
    check_known(arguments, subject, kind)
    if "x-queue-master-locator" in arguments:
        raise Refused(541, DENIED)
    version = reader.whole("x-queue-version")
    if version not in (None, 2):
        raise reader.invalid("x-queue-version", f"\"unsupported queue version '{version}'\"")
    rules = Rules(
        type=kind,
        ttl=reader.seconds("x-message-ttl", 0),
        expires=reader.seconds("x-expires", 1),
        max_length=reader.whole("x-max-length", 0),
        max_bytes=reader.whole("x-max-length-bytes", 0),
        overflow=reader.one_of("x-overflow", OVERFLOWS) or "drop-head",
        dead_letter_exchange=reader.text("x-dead-letter-exchange"),
        dead_letter_routing_key=reader.text("x-dead-letter-routing-key"),
        single_active=reader.flag("x-single-active-consumer"),
        max_priority=reader.whole("x-max-priority", 0, MAX_PRIORITY) or 0,
    )
    if rules.dead_letter_routing_key is not None and rules.dead_letter_exchange is None:
        raise reader.invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")
    return rules if kind == CLASSIC else _of_quorum(rules, reader)


def _of_quorum(rules: Rules, reader: Reader) -> Rules:
    """Add what only quorum queues have. What makes no sense there counts as not said."""
    limit = reader.loose("x-delivery-limit")
    timeout = reader.seconds("x-consumer-timeout", 0)
    return rules._replace(
        overflow="drop-head" if rules.overflow == "reject-publish-dlx" else rules.overflow,
        delivery_limit=DELIVERY_LIMIT if limit is None else limit,
        consumer_timeout=CONSUMER_TIMEOUT if timeout is None else timeout,
        retry=_delays(reader),
    )


def _delays(reader: Reader) -> Delays | None:
    which = reader.raw("x-delayed-retry-type")
    least = reader.loose("x-delayed-retry-min") or 0
    most = reader.loose("x-delayed-retry-max") or 0
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
        if is_wanted and rules.type == QUORUM:
            raise Refused(406, f"invalid property '{name}' for {subject}")


def check_known(arguments: Mapping[str, Any], subject: str, kind: str) -> None:
    """Refuse what only queues of another type have.

    Raises: Refused
    """
    for name in (name for one in TYPES if one != kind for name in OF_TYPE[one]):
        if name in arguments:
            reason = f"invalid arg '{name}' for {subject} of queue type rabbit_{kind}_queue"
            raise Refused(406, reason)
