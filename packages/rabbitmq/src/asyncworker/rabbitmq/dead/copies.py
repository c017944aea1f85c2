"""Dead letters as they are published: to be handled again, or to stay alive in their queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.amqp.properties import (
    EXPIRATION,
    HEADERS,
    USER_ID,
    join_properties,
    split_properties,
)
from asyncworker.rabbitmq.amqp.tables import packed_text, read_table, table_of
from asyncworker.rabbitmq.dead.letter import DEATHS, address_of, deaths_of
from asyncworker.rabbitmq.retrying.attempts import (
    EXCHANGE,
    KEPT_EXPIRATION,
    KEPT_USER_ID,
    PREFIX,
    ROUTING_KEY,
)
from asyncworker.rabbitmq.retrying.rewritten import ASIDE, COUNTED
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from asyncworker.rabbitmq.dead.letter import DeadLetter

KEPT: Final = (EXCHANGE, ROUTING_KEY, KEPT_EXPIRATION, KEPT_USER_ID, *ASIDE.values())
"""Of our own headers those that tell a handler how a message was published first."""
OF_DEATHS: Final = (DEATHS, b"x-first-death-", b"x-last-death-")


def replayed(letter: DeadLetter, queue: str) -> Outgoing:
    """Return a dead letter as it goes to a queue: as it was before its first attempt.

    What would send it elsewhere, have it refused or let it expire again stays where a Retry puts
    it: the handler sees it there.
    Raises: ValueError, IndexError
    """
    parts, fields = _taken_apart(letter)
    deaths = deaths_of(fields)
    address = address_of(fields, deaths)
    if EXPIRATION in parts:
        fields.setdefault(KEPT_EXPIRATION, packed_text(parts.pop(EXPIRATION)[1:]))
    for death in deaths:
        if death.expiration is not None:
            fields.setdefault(KEPT_EXPIRATION, packed_text(death.expiration.encode()))
    for name in tuple(fields):
        is_ours = name.startswith(PREFIX) and name not in KEPT
        if is_ours or name.startswith(OF_DEATHS):
            del fields[name]
    if address == ("", queue):
        # As it is delivered now.
        fields.pop(EXCHANGE, None)
        fields.pop(ROUTING_KEY, None)
    elif address is not None:
        fields[EXCHANGE], fields[ROUTING_KEY] = (packed_text(one.encode()) for one in address)
    return _to(queue, letter, parts, fields)


def kept(letter: DeadLetter, queue: str) -> Outgoing:
    """Return a dead letter as it goes to the end of its own queue, where it counts as new.

    Raises: ValueError, IndexError
    """
    return _to(queue, letter, *_taken_apart(letter))


def _taken_apart(letter: DeadLetter) -> tuple[dict[int, bytes], dict[bytes, bytes]]:
    """Return properties and headers, less those that the broker wrote, obeys or would refuse."""
    parts = split_properties(letter.properties)
    fields = read_table(parts.get(HEADERS, b""))
    for name in COUNTED:
        fields.pop(name, None)
    for name, other in ASIDE.items():
        if name in fields:
            fields.setdefault(other, fields.pop(name))
    if USER_ID in parts:
        fields.setdefault(KEPT_USER_ID, packed_text(parts.pop(USER_ID)[1:]))
    return parts, fields


def _to(
    queue: str, letter: DeadLetter, parts: dict[int, bytes], fields: dict[bytes, bytes]
) -> Outgoing:
    parts.pop(HEADERS, None)
    if fields:
        parts[HEADERS] = table_of(fields)
    name = queue.encode()
    return Outgoing(
        body=letter.raw_body,
        exchange="",
        routing_key=queue,
        address=bytes((0, len(name))) + name,
        header=join_properties(parts),
        mandatory=True,
    )
