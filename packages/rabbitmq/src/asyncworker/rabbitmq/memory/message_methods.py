"""What clients do with messages (AMQP 0-9-1, 1.8; confirms and Basic.Nack of RabbitMQ)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic, Confirm
from pamqp.commands import Channel as ChannelFrames

from asyncworker.rabbitmq.memory.arguments import check_known
from asyncworker.rabbitmq.memory.consumer import Consumer, Options
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.queue_methods import queue_of
from asyncworker.rabbitmq.memory.reader import Reader
from asyncworker.rabbitmq.methods import GetOk, Return
from asyncworker.rabbitmq.properties import EXPIRATION, USER_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.message import Message, Unsettled
    from asyncworker.rabbitmq.memory.queue import Queue

NO_GET: Final = (
    'basic.get operations are not supported by <<"quorum">> queues with single active consumer'
)
NO_ROUTE: Final = 312
MAX_EXPIRATION: Final = 4_294_967_295
MAX_SIZE: Final = 16 * 2**20


def publish(channel: Channel, frame: Any, message: Message) -> None:
    """Put a message into the queues that it goes to, and confirm it.

    Raises: Refused
    """
    size = len(message.body)
    if size > MAX_SIZE:
        raise Refused(406, f"message size {size} is larger than configured max size {MAX_SIZE}")
    exchange = channel.vhost.exchange(message.exchange)
    if exchange.internal:
        subject = channel.vhost.subject("exchange", exchange.name)
        raise Refused(403, f"cannot publish to internal {subject}")
    if frame.immediate:
        raise Refused(540, "immediate=true")
    _check_properties(message, channel.session.user)
    queues = channel.vhost.route(message, exchange)
    if frame.mandatory and not queues:
        back = Return(NO_ROUTE, "NO_ROUTE", message.exchange, message.routing_key)
        channel.send_content(back, message)
    accepted = [queue.publish(message) for queue in queues]
    if channel.published is not None:
        channel.published += 1
        answer = Basic.Ack if all(accepted) else Basic.Nack
        channel.send(answer(channel.published))


def _check_properties(message: Message, user: str) -> None:
    own = message.text(USER_ID)
    if own is not None and own != user:
        raise Refused(406, f"user_id property set to '{own}' but authenticated user was '{user}'")
    expiration = message.text(EXPIRATION)
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
    # For all consumers together (global) is no longer offered, and taken for each by itself.
    channel.prefetch = frame.prefetch_count
    return Basic.QosOk()


def _consume(channel: Channel, frame: Any) -> None:
    if frame.consumer_tag in channel.consumers:
        raise Refused(530, f"attempt to reuse consumer tag '{frame.consumer_tag}'")
    queue = queue_of(channel, frame.queue)
    subject = channel.vhost.subject("queue", queue.name)
    options = _options(frame, queue, subject)
    tag = frame.consumer_tag or f"amq.ctag-{uuid.uuid4().hex[:22]}"
    consumer = Consumer(tag, queue, channel, no_ack=frame.no_ack, options=options)
    queue.add(consumer, subject)
    channel.consumers[tag] = consumer
    # Deliveries come behind the answer.
    if not frame.nowait:
        channel.send(Basic.ConsumeOk(tag))
    queue.deliver()


def _options(frame: Any, queue: Queue, subject: str) -> Options:
    arguments = frame.arguments or {}
    check_known(arguments, subject, queue.rules.type)
    reader = Reader(arguments, subject)
    return Options(
        exclusive=frame.exclusive,
        priority=reader.whole("x-priority") or 0,
        timeout=reader.seconds("x-consumer-timeout", 0),
    )


def _cancel(channel: Channel, frame: Any) -> Basic.CancelOk:
    consumer = channel.consumers.pop(frame.consumer_tag, None)
    if consumer is not None:
        consumer.queue.drop(consumer)
        consumer.queue.deliver()
    return Basic.CancelOk(frame.consumer_tag)


def _get(channel: Channel, frame: Any) -> Basic.GetEmpty | None:
    queue = queue_of(channel, frame.queue)
    if queue.is_quorum and queue.rules.single_active:
        subject = channel.vhost.subject("queue", queue.name)
        raise Refused(405, f"cannot obtain access to locked {subject}. {NO_GET}")
    queue.use()
    entry = queue.get()
    if entry is None:
        return Basic.GetEmpty()
    number = channel.hand_over(entry, queue, None, ack=not frame.no_ack)
    message = queue.kind.shown(entry)
    answer = GetOk(number, entry.redelivered, message.exchange, message.routing_key, queue.depth)
    channel.send_content(answer, message)
    return None


def _ack(channel: Channel, frame: Any) -> None:
    channel.note(channel.settled(frame.delivery_tag, multiple=frame.multiple), "acked")
    channel.fill()


def _nack(channel: Channel, frame: Any) -> None:
    deliveries = channel.settled(frame.delivery_tag, multiple=frame.multiple)
    _refuse(channel, deliveries, requeue=frame.requeue, failed=False)


def _reject(channel: Channel, frame: Any) -> None:
    deliveries = channel.settled(frame.delivery_tag, multiple=False)
    _refuse(channel, deliveries, requeue=frame.requeue, failed=True)


def _refuse(channel: Channel, deliveries: list[Unsettled], *, requeue: bool, failed: bool) -> None:
    if requeue:
        channel.put_back(deliveries, failed=failed)
    else:
        for one in deliveries:
            is_sent = one.queue.discard(one.entry, "rejected", failed=failed)
            channel.note([one], "dead-lettered" if is_sent else "rejected")
    channel.fill()


def _recover(channel: Channel, frame: Any) -> Basic.RecoverOk | None:
    if not frame.requeue:
        raise Refused(540, "requeue=false")
    channel.put_back(channel.release(list(channel.unsettled)), failed=False)
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
