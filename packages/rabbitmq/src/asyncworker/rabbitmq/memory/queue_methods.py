"""What clients do with queues (AMQP 0-9-1, 1.7)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Queue as Frames

from asyncworker.rabbitmq.memory.arguments import QUORUM
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.exchange import Binding
from asyncworker.rabbitmq.memory.exchange_methods import RESERVED, reserved
from asyncworker.rabbitmq.methods import QueueDeclareOk

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.exchange import Exchange
    from asyncworker.rabbitmq.memory.queue import Queue

UNCONDITIONAL: Final = "queue.delete operations with {} flag set are not supported by quorum queues"
UNNAMED: Final = "Cannot declare a server-named queue for type rabbit_quorum_queue"


def queue_of(channel: Channel, name: str) -> Queue:
    """Return the queue that is meant; no name means the last one declared on the channel.

    Raises: Refused
    """
    if not name and not channel.last_queue:
        raise Refused(404, "no previously declared queue")
    return channel.vhost.queue(name or channel.last_queue, channel.session)


def _declare(channel: Channel, frame: Any) -> Frames.DeclareOk:
    if frame.passive:
        queue = queue_of(channel, frame.queue)
    else:
        name = frame.queue or f"amq.gen-{uuid.uuid4().hex[:22]}"
        if frame.queue.startswith(RESERVED) and name not in channel.vhost.queues:
            raise reserved("queue", name)
        if not frame.queue and (frame.arguments or {}).get("x-queue-type") == QUORUM:
            raise Refused(406, UNNAMED)
        queue = channel.vhost.declare_queue(
            name,
            durable=frame.durable,
            auto_delete=frame.auto_delete,
            exclusive=frame.exclusive,
            arguments=frame.arguments or {},
            user=channel.session,
        )
    channel.last_queue = queue.name
    return QueueDeclareOk(queue.name, queue.depth, len(queue.consumers))


def _bind(channel: Channel, frame: Any) -> Frames.BindOk:
    _exchange(channel, frame).bind(_binding(channel, frame))
    return Frames.BindOk()


def _unbind(channel: Channel, frame: Any) -> Frames.UnbindOk:
    channel.vhost.unbind(_exchange(channel, frame), _binding(channel, frame))
    return Frames.UnbindOk()


def _exchange(channel: Channel, frame: Any) -> Exchange:
    if not frame.exchange:
        raise Refused(403, "operation not permitted on the default exchange")
    return channel.vhost.exchange(frame.exchange)


def _binding(channel: Channel, frame: Any) -> Binding:
    return Binding(queue_of(channel, frame.queue), frame.routing_key, frame.arguments or {})


def _purge(channel: Channel, frame: Any) -> Frames.PurgeOk:
    return Frames.PurgeOk(queue_of(channel, frame.queue).purge())


def _delete(channel: Channel, frame: Any) -> Frames.DeleteOk:
    if frame.queue and frame.queue not in channel.vhost.queues:
        return Frames.DeleteOk(0)
    queue = queue_of(channel, frame.queue)
    subject = channel.vhost.subject("queue", queue.name)
    for flag in ("if-unused", "if-empty"):
        if queue.is_quorum and getattr(frame, flag.replace("-", "_")):
            raise Refused(540, f"cannot delete {subject}. {UNCONDITIONAL.format(flag)}")
    if frame.if_unused and queue.consumers:
        raise Refused(406, f"{subject} in use")
    if frame.if_empty and queue.depth:
        raise Refused(406, f"{subject} not empty")
    return Frames.DeleteOk(channel.vhost.delete_queue(queue))


QUEUE_METHODS: Final[dict[type, Callable[[Channel, Any], Any]]] = {
    Frames.Declare: _declare,
    Frames.Bind: _bind,
    Frames.Unbind: _unbind,
    Frames.Purge: _purge,
    Frames.Delete: _delete,
}
