"""What spans tell of messages, by OpenTelemetry's semantic conventions for RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncworker.operation import Operation
from asyncworker.rabbitmq.amqp.properties import (
    CORRELATION_ID,
    HEADERS,
    MESSAGE_ID,
    read_properties,
    short_string,
    split_properties,
)
from asyncworker.rabbitmq.amqp.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncworker.operation import Carrier
    from asyncworker.rabbitmq.connecting.broker import Broker
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

    Attributes = Mapping[str, str | int]

LONGEST: Final = 8192
"""The most bytes of a header that is read for a context: no propagator writes more."""
HAS_HEADERS: Final = HEADERS >> 8
"""In the first octet of the properties' flags."""
RESERVED: Final = "amq."
"""The beginning of queues' names that a broker makes up, of which there is no end."""
DIRECT_REPLY: Final = "amq.rabbitmq.reply-to"
"""The beginning of those that let anybody answer."""
PROCESS: Final[Attributes] = {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}
SEND: Final[Attributes] = {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
}
BATCH: Final = "messaging.batch.message_count"
DESTINATION: Final = "messaging.destination.name"
ID: Final = "messaging.message.id"
KEY: Final = "messaging.rabbitmq.destination.routing_key"
TEXTS: Final = {ID: MESSAGE_ID, "messaging.message.conversation_id": CORRELATION_ID}
"""Properties that a span tells of one message."""


def server_of(broker: Broker) -> Attributes:
    """Return where a broker is; nothing, where it is one of several hosts, or in memory."""
    if broker.in_memory or len(broker.hosts) > 1:
        return {}
    [(host, port)] = broker.hosts
    return {"server.address": host, "server.port": port}


def processing_one(message: RabbitMQMessage, server: Attributes) -> Operation:
    """Return what is told of the handling of a message, which goes on in its context."""
    queue, key = message.queue, message.routing_key
    parts = split_properties(message.content[2])
    told: dict[str, str | int] = {
        **PROCESS,
        **server,
        DESTINATION: ":".join(filter(None, (message.exchange, key, queue if key != queue else ""))),
        "messaging.rabbitmq.message.delivery_tag": message.delivery_tag,
        "asyncworker.attempt": message.attempt,
    }
    if key:
        told[KEY] = key
    for name, flag in TEXTS.items():
        if flag in parts:
            told[name], _ = short_string(parts[flag], 0)
    return Operation(f"process {queue}", "CONSUMER", told, carried(message.content[2]))


def processing(batch: Sequence[RabbitMQMessage], server: Attributes) -> Operation:
    """Return what is told of the handling of a batch, with links to what its messages carry."""
    told = {**PROCESS, **server, BATCH: len(batch)}
    name = "process"
    if len(queues := {message.queue for message in batch}) == 1:
        [told[DESTINATION]] = queues
        name = f"process {told[DESTINATION]}"
    links = (carried(message.content[2]) for message in batch)
    return Operation(name, "CONSUMER", told, links=links)


def sending_one(message: Outgoing, server: Attributes) -> Operation:
    """Return what is told of the publishing of a message, with a link to what it carries."""
    name, destination = _destination(message)
    identifier = read_properties(message.header).message_id
    told = {**SEND, **server, **destination, **({ID: identifier} if identifier else {})}
    return Operation(name, "PRODUCER", told, links=[carried(message.header)])


def sending(messages: Sequence[Outgoing], server: Attributes) -> Operation:
    """Return what is told of messages that are published together, with links likewise."""
    is_one = len({message.address for message in messages}) == 1
    name, destination = _destination(messages[0]) if is_one else ("send", {})
    told = {**SEND, **server, **destination, BATCH: len(messages)}
    links = (carried(message.header) for message in messages)
    return Operation(name, "PRODUCER", told, links=links)


def carried(properties: bytes) -> Carrier:
    """Return the headers that may carry a context, out of the properties of a message."""
    if not properties or not properties[0] & HAS_HEADERS:
        return {}
    try:
        fields = read_table(read_properties(properties).headers)
    except (IndexError, ValueError):
        return {}
    return {
        name.decode(errors="replace"): value[5:].decode(errors="replace")
        for name, value in fields.items()
        if value[:1] == b"S" and len(value) <= LONGEST
    }


def _destination(message: Outgoing) -> tuple[str, Attributes]:
    """Return the name of a span that tells of where a message goes, and its attributes."""
    exchange, key = message.exchange, message.routing_key
    if not exchange and key.startswith(RESERVED):
        known = DIRECT_REPLY if key.startswith(DIRECT_REPLY) else key
        return "send", {DESTINATION: known, "messaging.destination.anonymous": True}
    told = {DESTINATION: ":".join(filter(None, (exchange, key)))}
    return f"send {exchange or key}", told | ({KEY: key} if key else {})
