"""What clients do with exchanges and queues (AMQP 0-9-1, 1.6 and 1.7)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from pamqp import commands

from asyncworker.rabbitmq.amqp.methods import REPLY_TO, QueueDeclareOk
from asyncworker.rabbitmq.memory.arguments import QUORUM
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.exchange import Binding, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.queue import Queue

UNCONDITIONAL: Final = "queue.delete operations with {} flag set are not supported by quorum queues"
UNNAMED: Final = "Cannot declare a server-named queue for type rabbit_quorum_queue"


def _declare_exchange(channel: Channel, frame: Any) -> commands.Exchange.DeclareOk:
    _check_not_default(frame.exchange)
    if frame.passive:
        channel.vhost.exchange(frame.exchange)
    else:
        _check_not_reserved("exchange", frame.exchange, channel.vhost.exchanges)
        wanted = Exchange(
            frame.exchange,
            frame.exchange_type,
            frame.durable,
            frame.auto_delete,
            frame.internal,
            frame.arguments or {},
        )
        channel.vhost.declare_exchange(wanted)
    return commands.Exchange.DeclareOk()


def _delete_exchange(channel: Channel, frame: Any) -> commands.Exchange.DeleteOk:
    _check_not_default(frame.exchange)
    _check_not_reserved("exchange", frame.exchange)
    exchange = channel.vhost.exchanges.get(frame.exchange)
    if exchange is not None:
        if frame.if_unused and exchange.bindings:
            raise Refused(406, f"{channel.vhost.subject('exchange', frame.exchange)} in use")
        channel.vhost.delete_exchange(exchange)
    return commands.Exchange.DeleteOk()


def _bind_exchange(channel: Channel, frame: Any) -> commands.Exchange.BindOk:
    source, binding = _between_exchanges(channel, frame)
    source.bind(binding)
    return commands.Exchange.BindOk()


def _unbind_exchange(channel: Channel, frame: Any) -> commands.Exchange.UnbindOk:
    channel.vhost.unbind(*_between_exchanges(channel, frame))
    return commands.Exchange.UnbindOk()


def _between_exchanges(channel: Channel, frame: Any) -> tuple[Exchange, Binding]:
    _check_not_default(frame.source, frame.destination)
    source, destination = map(channel.vhost.exchange, (frame.source, frame.destination))
    return source, Binding(destination, frame.routing_key, frame.arguments or {})


def queue_of(channel: Channel, name: str) -> Queue:
    """Return the queue that is meant; no name means the last one declared on the channel.

    Raises: Refused
    """
    if not name and not channel.last_queue:
        raise Refused(404, "no previously declared queue")
    return channel.vhost.queue(name or channel.last_queue, channel.client)


def _declare_queue(channel: Channel, frame: Any) -> QueueDeclareOk:
    if frame.queue == REPLY_TO or frame.queue in channel.vhost.askers:
        # There is no such queue, but whoever answers may ask whether somebody waits.
        return QueueDeclareOk(frame.queue, 0, 1)
    if frame.passive:
        queue = queue_of(channel, frame.queue)
    else:
        _check_not_reserved("queue", frame.queue, channel.vhost.queues)
        if not frame.queue and (frame.arguments or {}).get("x-queue-type") == QUORUM:
            raise Refused(406, UNNAMED)
        queue = channel.vhost.declare_queue(
            frame.queue or f"amq.gen-{uuid.uuid4().hex[:22]}",
            durable=frame.durable,
            auto_delete=frame.auto_delete,
            exclusive=frame.exclusive,
            arguments=frame.arguments,
            user=channel.client,
        )
    channel.last_queue = queue.name
    return QueueDeclareOk(queue.name, queue.depth, len(queue.consumers))


def _delete_queue(channel: Channel, frame: Any) -> commands.Queue.DeleteOk:
    if frame.queue and frame.queue not in channel.vhost.queues:
        return commands.Queue.DeleteOk(0)
    queue = queue_of(channel, frame.queue)
    for flag in ("if-unused", "if-empty"):
        if queue.is_quorum and getattr(frame, flag.replace("-", "_")):
            raise Refused(540, f"cannot delete {queue.subject}. {UNCONDITIONAL.format(flag)}")
    if frame.if_unused and queue.consumers:
        raise Refused(406, f"{queue.subject} in use")
    if frame.if_empty and queue.depth:
        raise Refused(406, f"{queue.subject} not empty")
    return commands.Queue.DeleteOk(channel.vhost.delete_queue(queue))


def _purge_queue(channel: Channel, frame: Any) -> commands.Queue.PurgeOk:
    return commands.Queue.PurgeOk(queue_of(channel, frame.queue).purge())


def _bind_queue(channel: Channel, frame: Any) -> commands.Queue.BindOk:
    source, binding = _to_queue(channel, frame)
    source.bind(binding)
    return commands.Queue.BindOk()


def _unbind_queue(channel: Channel, frame: Any) -> commands.Queue.UnbindOk:
    channel.vhost.unbind(*_to_queue(channel, frame))
    return commands.Queue.UnbindOk()


def _to_queue(channel: Channel, frame: Any) -> tuple[Exchange, Binding]:
    _check_not_default(frame.exchange)
    source, queue = channel.vhost.exchange(frame.exchange), queue_of(channel, frame.queue)
    return source, Binding(queue, frame.routing_key, frame.arguments or {})


def _check_not_default(*names: str) -> None:
    if "" in names:
        raise Refused(403, "operation not permitted on the default exchange")


def _check_not_reserved(kind: str, name: str, known: Collection[str] = ()) -> None:
    if name.startswith("amq.") and name not in known:
        raise Refused(403, f"{kind} name '{name}' contains reserved prefix 'amq.*'")


TOPOLOGY_METHODS: Final[dict[type, Callable[[Channel, Any], Any]]] = {
    commands.Exchange.Declare: _declare_exchange,
    commands.Exchange.Delete: _delete_exchange,
    commands.Exchange.Bind: _bind_exchange,
    commands.Exchange.Unbind: _unbind_exchange,
    commands.Queue.Declare: _declare_queue,
    commands.Queue.Delete: _delete_queue,
    commands.Queue.Purge: _purge_queue,
    commands.Queue.Bind: _bind_queue,
    commands.Queue.Unbind: _unbind_queue,
}
