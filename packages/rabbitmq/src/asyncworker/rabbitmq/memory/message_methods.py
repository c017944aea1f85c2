"""What clients do with messages (AMQP 0-9-1, 1.8; confirms and Basic.Nack of RabbitMQ)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic, Confirm
from pamqp.commands import Channel as ChannelFrames

from asyncworker.rabbitmq.memory.consumer import Consumer
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.queue_methods import queue_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.message import Message

NO_ROUTE: Final = 312
MAX_EXPIRATION: Final = 4_294_967_295


def publish(channel: Channel, frame: Any, message: Message) -> None:
    """Put a message into the queues that it goes to, and confirm it.

    Raises: Refused
    """
    exchange = channel.vhost.exchange(message.exchange)
    if exchange.internal:
        subject = channel.vhost.subject("exchange", exchange.name)
        raise Refused(403, f"cannot publish to internal {subject}")
    if frame.immediate:
        raise Refused(540, "immediate=true")
    _check_properties(message, channel.session.user)
    queues = channel.vhost.route(message, exchange)
    if frame.mandatory and not queues:
        back = Basic.Return(NO_ROUTE, "NO_ROUTE", message.exchange, message.routing_key)
        channel.send_content(back, message)
    accepted = [queue.publish(message) for queue in queues]
    if channel.published is not None:
        channel.published += 1
        answer = Basic.Ack if all(accepted) else Basic.Nack
        channel.send(answer(channel.published))


def _check_properties(message: Message, user: str) -> None:
    own = message.properties.user_id
    if own is not None and own != user:
        raise Refused(406, f"user_id property set to '{own}' but authenticated user was '{user}'")
    expiration = message.properties.expiration
    if expiration is not None and not (
        expiration.isdecimal() and int(expiration) <= MAX_EXPIRATION
    ):
        raise Refused(406, f"invalid expiration '{expiration}': no whole milliseconds")


def _select(channel: Channel, frame: Any) -> Confirm.SelectOk:
    if channel.published is None:
        channel.published = 0
    return Confirm.SelectOk()


def _qos(channel: Channel, frame: Any) -> Basic.QosOk:
    if frame.prefetch_size:
        raise Refused(540, f"prefetch_size!=0 ({frame.prefetch_size})")
    if frame.global_:
        channel.prefetch_together = frame.prefetch_count
        channel.fill()
    else:
        channel.prefetch = frame.prefetch_count
    return Basic.QosOk()


def _consume(channel: Channel, frame: Any) -> None:
    if frame.consumer_tag in channel.consumers:
        raise Refused(530, f"attempt to reuse consumer tag '{frame.consumer_tag}'")
    if "x-priority" in (frame.arguments or {}):
        raise Refused(540, "memory:// has no x-priority")
    queue = queue_of(channel, frame.queue)
    tag = frame.consumer_tag or f"amq.ctag-{uuid.uuid4().hex[:22]}"
    consumer = Consumer(tag, queue, channel, no_ack=frame.no_ack, exclusive=frame.exclusive)
    queue.add(consumer, channel.vhost.subject("queue", queue.name))
    channel.consumers[tag] = consumer
    # Deliveries come behind the answer.
    if not frame.nowait:
        channel.send(Basic.ConsumeOk(tag))
    queue.deliver()


def _cancel(channel: Channel, frame: Any) -> Basic.CancelOk:
    consumer = channel.consumers.pop(frame.consumer_tag, None)
    if consumer is not None:
        consumer.queue.drop(consumer)
    return Basic.CancelOk(frame.consumer_tag)


def _get(channel: Channel, frame: Any) -> Basic.GetEmpty | None:
    queue = queue_of(channel, frame.queue)
    queue.use()
    entry = queue.get()
    if entry is None:
        return Basic.GetEmpty()
    number = channel.hand_over(entry, queue, None, ack=not frame.no_ack)
    message = entry.message
    answer = Basic.GetOk(
        number, entry.redelivered, message.exchange, message.routing_key, queue.depth
    )
    channel.send_content(answer, message)
    return None


def _ack(channel: Channel, frame: Any) -> None:
    channel.note(channel.settled(frame.delivery_tag, multiple=frame.multiple), "acked")
    channel.fill()


def _nack(channel: Channel, frame: Any) -> None:
    _refuse(channel, frame.delivery_tag, multiple=frame.multiple, requeue=frame.requeue)


def _reject(channel: Channel, frame: Any) -> None:
    _refuse(channel, frame.delivery_tag, multiple=False, requeue=frame.requeue)


def _refuse(channel: Channel, number: int, *, multiple: bool, requeue: bool) -> None:
    deliveries = channel.settled(number, multiple=multiple)
    if requeue:
        channel.put_back(deliveries)
    else:
        for one in deliveries:
            is_sent = one.queue.discard(one.entry, "rejected")
            channel.note([one], "dead-lettered" if is_sent else "rejected")
    channel.fill()


def _recover(channel: Channel, frame: Any) -> Basic.RecoverOk | None:
    if not frame.requeue:
        raise Refused(540, "requeue=false")
    channel.put_back(channel.release(list(channel.unsettled)))
    channel.fill()
    return None if isinstance(frame, Basic.RecoverAsync) else Basic.RecoverOk()


def _flow(channel: Channel, frame: Any) -> ChannelFrames.FlowOk:
    if not frame.active:
        raise Refused(540, "active=false")
    return ChannelFrames.FlowOk(True)


MESSAGE_METHODS: Final[dict[type, Callable[[Channel, Any], Any]]] = {
    Basic.Ack: _ack,
    Basic.Cancel: _cancel,
    Basic.Consume: _consume,
    Basic.Get: _get,
    Basic.Nack: _nack,
    Basic.Qos: _qos,
    Basic.Recover: _recover,
    Basic.RecoverAsync: _recover,
    Basic.Reject: _reject,
    ChannelFrames.Flow: _flow,
    Confirm.Select: _select,
}
