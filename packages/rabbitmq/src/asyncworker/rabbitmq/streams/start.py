"""Start: where the streams of a route are begun, and what keeps its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.cursors.cursor import Cursor, checked_cursor
from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions
from asyncworker.rabbitmq.consumer import SHARED
from asyncworker.rabbitmq.policy import can_come_to
from asyncworker.rabbitmq.retry import Retry
from asyncworker.rabbitmq.streams.offset import ARGUMENT, Offset, checked_offset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.topology import Queue

NOWHERE: Final = (
    "a stream takes nothing back: Retry(...) has a message handled again by the process that "
    "has it, Actions.REJECT passes it over"
)


class Start(NamedTuple):
    """Say where each stream is begun, as long as no cursor keeps a place in it.

    is_said: whether the route says so, and does not leave it to what is usual.
    """

    offset: Offset = "next"
    cursor: Cursor | None = None
    is_said: bool = True


def checked_start(
    offset: Any, cursor: Any, names: Sequence[str], topology: Mapping[str, Queue]
) -> Start | None:
    """Return where the streams of a route are begun, or None if it is one of queues.

    names: of all that it consumes. topology: those that are declared, by name.
    Raises: ConfigurationError
    """
    streams = [name for name in names if name in topology and topology[name].is_stream]
    if offset is None and cursor is None and not streams:
        return None
    others = [name for name in names if name in topology and not topology[name].is_stream]
    if others and streams:
        raise ConfigurationError(
            f"queue {streams[0]!r} is a stream and queue {others[0]!r} is not: "
            "write a route for each"
        )
    if others:
        said = "offset" if cursor is None else "cursor"
        raise ConfigurationError(
            f"{said}= is about streams, and queue {others[0]!r} is none: "
            f"declare it as Queue({others[0]!r}, type='stream'), or leave {said}= out"
        )
    return Start(
        "next" if offset is None else checked_offset(offset),
        checked_cursor(cursor, len(names)),
        is_said=offset is not None or cursor is not None,
    )


def check_suits_stream(given: Mapping[str, Any], consumer: Consumer) -> None:
    """Accept what can be done with messages of a stream.

    given: the options that are given, by name.
    Raises: ConfigurationError
    """
    for event in ("on_success", "on_exception", "on_invalid"):
        if event in given and can_come_to(given[event], Actions.REQUEUE):
            raise ConfigurationError(f"Events.{event.upper()}: {NOWHERE}, got {given[event]}")
    if isinstance(given.get("on_invalid"), Retry):
        raise ConfigurationError(
            "Events.ON_INVALID: what cannot be decoded stays as it is in a stream: "
            f"Actions.REJECT passes it over, got {given['on_invalid']}"
        )
    if given.get("order_on_failure") == "pass":
        raise ConfigurationError(
            "Options.ORDER_ON_FAILURE: 'pass' has messages wait in the broker, which a stream "
            "cannot: leave it out"
        )
    if (rate := given.get("rate")) is not None and rate.shared:
        raise ConfigurationError(
            "Options.RATE: each of a stream's readers reads all of it: leave shared out"
        )
    if ARGUMENT in consumer.arguments:
        raise ConfigurationError(
            f"consumer= holds {ARGUMENT!r}: say offset= on the route in place of it"
        )
    if replace(consumer, arguments={}) != SHARED:
        raise ConfigurationError(
            "consumer=: a stream has consumers without priority=, exclusive= and timeout=: "
            "leave them out"
        )
