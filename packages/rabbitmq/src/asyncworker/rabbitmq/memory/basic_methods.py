"""What clients do with messages (AMQP 0-9-1, 1.8; confirms and Basic.Nack of RabbitMQ)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic, Confirm
from pamqp.commands import Channel as ChannelFrames

from asyncworker.rabbitmq.amqp.methods import REPLY_TO as REPLIES
from asyncworker.rabbitmq.amqp.methods import GetOk, Return
from asyncworker.rabbitmq.amqp.properties import EXPIRATION, REPLY_TO, USER_ID
from asyncworker.rabbitmq.memory.arguments import Arguments, check_known
from asyncworker.rabbitmq.memory.consumer import Consumer
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.topology_methods import queue_of
from asyncworker.rabbitmq.streams.offset import ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.client import Content
    from asyncworker.rabbitmq.memory.message import Message
    from asyncworker.rabbitmq.memory.queue import Unacked
    from asyncworker.rabbitmq.memory.storage import Entry

NO_GET: Final = (
    'basic.get operations are not supported by <<"quorum">> queues with single active consumer'
)
NO_ROUTE: Final = 312
MAX_EXPIRATION: Final = 4_294_967_295
MAX_SIZE: Final = 16 * 2**20


def _publish(channel: Channel, content: Content) -> None:
    """Put a message into the queues that it goes to, and confirm it."""
    frame, message = content.frame, content.message
    size = len(message.body)
    if size > MAX_SIZE:
        raise Refused(406, f"message size {size} is larger than configured max size {MAX_SIZE}")
    exchange = channel.vhost.exchange(message.exchange)
    if exchange.internal:
        subject = channel.vhost.subject("exchange", exchange.name)
        raise Refused(403, f"cannot publish to internal {subject}")
    if frame.immediate:
        raise Refused(540, "immediate=true")
    _check_properties(message, channel.client.user)
    message = _with_reply_to(channel, message)
    queues = channel.vhost.route(message, exchange)
    if not message.exchange and message.routing_key in channel.vhost.askers:
        channel.vhost.askers[message.routing_key](message)
    elif frame.mandatory and not queues:
        back = Return(NO_ROUTE, "NO_ROUTE", message.exchange, message.routing_key)
        channel.send_content(back, message)
    channel.note_published(message)
    accepted = [queue.publish(message) for queue in queues]
    if channel.published is not None:
        channel.published += 1
        answer = Basic.Ack if all(accepted) else Basic.Nack
        channel.send(answer(channel.published))


def _with_reply_to(channel: Channel, message: Message) -> Message:
    """Return a message with where it is answered in place of what stands for it."""
    if message.text(REPLY_TO) != REPLIES:
        return message
    if channel.reply_to is None:
        raise Refused(406, "fast reply consumer does not exist")
    return message.with_text(REPLY_TO, channel.reply_to[0])


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
    is_of_replies = channel.reply_to is not None and channel.reply_to[1] == frame.consumer_tag
    if frame.consumer_tag in channel.consumers or is_of_replies:
        raise Refused(530, f"attempt to reuse consumer tag '{frame.consumer_tag}'")
    if frame.queue == REPLIES:
        _consume_replies(channel, frame)
        return
    queue = queue_of(channel, frame.queue)
    arguments = Arguments(frame.arguments or {}, queue.subject)
    check_known(arguments, queue.rules.type)

    def deliver(entry: Entry) -> None:
        channel.deliver(entry, queue, consumer, no_ack=frame.no_ack)

    tag = frame.consumer_tag or _new_tag()
    consumer = Consumer(
        tag=tag,
        deliver=deliver,
        cancel=lambda: _tell_cancelled(channel, tag),
        # What is settled as it is sent is never too much.
        prefetch=0 if frame.no_ack else channel.prefetch,
        exclusive=frame.exclusive,
        priority=arguments.whole("x-priority") or 0,
        timeout=arguments.seconds("x-consumer-timeout", 0),
        begin=arguments.values.get(ARGUMENT),
    )
    queue.add(consumer)
    channel.consumers[tag] = queue, consumer
    # Deliveries come behind the answer.
    if not frame.nowait:
        channel.send(Basic.ConsumeOk(tag))
    queue.deliver()


def _consume_replies(channel: Channel, frame: Any) -> None:
    """Take answers (https://www.rabbitmq.com/docs/direct-reply-to)."""
    if not frame.no_ack:
        raise Refused(406, "reply consumer cannot acknowledge")
    if channel.reply_to is not None:
        raise Refused(406, "reply consumer already set")
    address = f"{REPLIES}.{uuid.uuid4().hex}"
    channel.reply_to = address, frame.consumer_tag or _new_tag()
    channel.vhost.askers[address] = channel.deliver_reply
    if not frame.nowait:
        channel.send(Basic.ConsumeOk(channel.reply_to[1]))


def _new_tag() -> str:
    return f"amq.ctag-{uuid.uuid4().hex[:22]}"


def _tell_cancelled(channel: Channel, tag: str) -> None:
    channel.consumers.pop(tag, None)
    if channel.client.knows_cancel:
        channel.send(Basic.Cancel(tag, nowait=True))


def _cancel(channel: Channel, frame: Any) -> Basic.CancelOk:
    if frame.consumer_tag in channel.consumers:
        queue, consumer = channel.consumers.pop(frame.consumer_tag)
        queue.drop(consumer)
        queue.deliver()
    elif channel.reply_to is not None and channel.reply_to[1] == frame.consumer_tag:
        channel.forget_reply_to()
    return Basic.CancelOk(frame.consumer_tag)


def _get(channel: Channel, frame: Any) -> Basic.GetEmpty | None:
    queue = queue_of(channel, frame.queue)
    if queue.is_quorum and queue.rules.single_active:
        raise Refused(405, f"cannot obtain access to locked {queue.subject}. {NO_GET}")
    queue.use()
    entry = queue.get()
    if entry is None:
        return Basic.GetEmpty()
    tag = channel.hand_over(entry, queue, None, no_ack=frame.no_ack)
    message = queue.shown(entry)
    answer = GetOk(tag, entry.redelivered, message.exchange, message.routing_key, queue.depth)
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


def _refuse(channel: Channel, deliveries: list[Unacked], *, requeue: bool, failed: bool) -> None:
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
    channel.put_back(channel.settled(0, multiple=True), failed=False)
    channel.fill()
    return None if isinstance(frame, Basic.RecoverAsync) else Basic.RecoverOk()


def _flow(channel: Channel, frame: Any) -> ChannelFrames.FlowOk:
    if not frame.active:
        raise Refused(540, "active=false")
    return ChannelFrames.FlowOk(True)


BASIC_METHODS: Final[dict[type, Callable[[Channel, Any], Any]]] = {
    Basic.Ack: _ack,
    Basic.Cancel: _cancel,
    Basic.Consume: _consume,
    Basic.Get: _get,
    Basic.Nack: _nack,
    Basic.Publish: _publish,
    Basic.Qos: _qos,
    Basic.Recover: _recover,
    Basic.RecoverAsync: _recover,
    Basic.Reject: _reject,
    ChannelFrames.Flow: _flow,
    Confirm.Select: _select,
}
