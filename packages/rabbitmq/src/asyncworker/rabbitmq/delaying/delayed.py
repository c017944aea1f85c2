"""A message that waits in the ladder: its way, and what it looks like there and after."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from time import time
from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.amqp.properties import (
    HEADERS,
    PRIORITY,
    join_properties,
    split_properties,
)
from asyncworker.rabbitmq.amqp.tables import packed_text, read_table, table_of
from asyncworker.rabbitmq.delaying.ladder import FINEST, HIGH, MARK, PREFIX, TO, Way, flag_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.rabbitmq.wire.outgoing import Outgoing

FIRST_HIGH: Final = 5
"""The least priority of those that quorum queues of RabbitMQ 4.0 to 4.2 prefer to the others: while
the first of them is not due, they look at the others now and then only. So both wait apart."""
KEPT: Final = f"{MARK}kept-"
"""The beginning of the name under which a header is put aside."""
DEATHS: Final = "x-death"
STORIES: Final = ("x-first-death-", "x-last-death-")
"""The beginnings of the names of further headers that tell of deaths."""
EXCHANGE: Final = b"x-asyncworker-exchange"
ROUTING_KEY: Final = b"x-asyncworker-routing-key"
"""The headers that tell, as those of a retry do, what it was published to."""
_TO: Final = TO.encode()
_KEPT: Final = KEPT.encode()
_FLAGS: Final = (b"t\x00", b"t\x01")


def at_present(message: Outgoing) -> Outgoing:
    """Return a message with what is left of its delay: it may have been held, or tried before."""
    if not message.due:
        return message
    return replace(message, delay=max(0.0, message.due - time()))


def way_of(message: Outgoing) -> Way:
    """Return the way of a message that has a delay."""
    parts = split_properties(message.header)
    is_high = PRIORITY in parts and parts[PRIORITY][0] >= FIRST_HIGH
    return Way(
        lane=HIGH if is_high else PREFIX,
        level=_eighths_of(message).bit_length() - 1 + FINEST,
        exchange=message.exchange,
        queue="" if message.exchange else message.routing_key,
        is_dropped=not message.mandatory,
    )


def waiting(message: Outgoing, way: Way) -> Outgoing:
    """Return a message as it waits: for each level a header says whether it does there."""
    parts = split_properties(message.header)
    fields = {
        (_KEPT + name if _tells_of_deaths(name.decode(errors="replace")) else name): value
        for name, value in read_table(parts.get(HEADERS, b"")).items()
    }
    eighths = _eighths_of(message)
    for place in range(len(way.levels)):
        fields[flag_name(place + FINEST).encode()] = _FLAGS[eighths >> place & 1]
    fields[_TO] = packed_text(way.out.encode())
    entrance, key = way.entrance.encode(), message.routing_key.encode()
    if way.is_dropped:
        fields[EXCHANGE] = packed_text(way.exchange.encode())
        fields[ROUTING_KEY] = packed_text(key)
    return replace(
        message,
        exchange=way.entrance,
        address=bytes([len(entrance)]) + entrance + bytes([len(key)]) + key,
        header=join_properties(parts | {HEADERS: table_of(fields)}),
        mandatory=True,
        delay=0.0,
        due=0.0,
    )


def was_delayed(properties: bytes) -> bool:
    """Tell a message that may have waited, by its properties, from all others."""
    return _TO in properties


def as_published(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers of a message that has waited as they were before; later deaths stay."""
    kept = {
        name.removeprefix(KEPT): value for name, value in headers.items() if name.startswith(KEPT)
    }
    others = {name: value for name, value in headers.items() if not name.startswith(MARK)}
    for story in STORIES:
        if _is_ours(others.get(f"{story}queue")):
            others = {name: others[name] for name in others if not name.startswith(story)}
    deaths = others.get(DEATHS)
    if isinstance(deaths, list):
        others[DEATHS] = [one for one in deaths if not _is_ours(_queue_of(one))]
        if not others[DEATHS]:
            del others[DEATHS]
    return kept | others


def _eighths_of(message: Outgoing) -> int:
    """Return a delay in units of the lowest level, never less than it is."""
    return ceil(message.delay * 2**-FINEST)


def _tells_of_deaths(name: str) -> bool:
    """Tell the headers by which the broker knows in which queues a message was.

    It drops one that comes there again without having been rejected.
    """
    return name == DEATHS or name.startswith(STORIES)


def _is_ours(queue: Any) -> bool:
    return isinstance(queue, str) and queue.startswith(PREFIX)


def _queue_of(death: Any) -> Any:
    return death.get("queue") if isinstance(death, dict) else None
