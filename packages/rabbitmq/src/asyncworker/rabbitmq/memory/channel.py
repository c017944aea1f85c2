"""The broker's side of a channel: its consumers, what they have not settled, its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic
from pamqp.commands import Channel as ChannelFrames

from asyncworker.rabbitmq.frames import AROUND, BODY, HEADER
from asyncworker.rabbitmq.memory.errors import Refused, method_of
from asyncworker.rabbitmq.memory.exchange_methods import EXCHANGE_METHODS
from asyncworker.rabbitmq.memory.incoming import Incoming
from asyncworker.rabbitmq.memory.message import Unsettled, content_header
from asyncworker.rabbitmq.memory.message_methods import MESSAGE_METHODS, publish
from asyncworker.rabbitmq.memory.queue_methods import QUEUE_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Entry, Message
    from asyncworker.rabbitmq.memory.queue import Queue
    from asyncworker.rabbitmq.memory.session import Session
    from asyncworker.rabbitmq.memory.vhost import VirtualHost

LATE: Final = (
    "delivery acknowledgement on channel {} timed out. Timeout value used: -1 ms. This timeout "
    "value can be configured, see consumers doc guide to learn more"
)
METHODS = {**EXCHANGE_METHODS, **QUEUE_METHODS, **MESSAGE_METHODS}


class Channel:
    """Do what the client asks for on one channel.

    prefetch: for consumers to come.
    """

    def __init__(self, number: int, session: Session) -> None:
        self.session = session
        self.vhost: VirtualHost = session.vhost
        self.observer = session.observer
        self.consumers: dict[str, Consumer] = {}
        self.unsettled: dict[int, Unsettled] = {}
        self.prefetch = 0
        self.published: int | None = None
        """How many messages were published since confirms were selected."""
        self.last_queue = ""
        self._number = number
        self._delivered = 0
        self._incoming: Incoming | None = None
        self._is_closing = False

    def take(self, frame: Any) -> None:
        """Do what a method says.

        Raises: Refused, for what ends the connection.
        """
        if self._is_closing:
            return
        try:
            if self._incoming is not None:
                raise Refused(505, f"expected content for class 60, got {frame.name} instead")
            if isinstance(frame, Basic.Publish):
                self._incoming = Incoming(frame)
                return
            if type(frame) not in METHODS:
                raise Refused(540, f"memory:// has no {frame.name}")
            answer = METHODS[type(frame)](self, frame)
            if self.observer is not None:
                self.observer.changed()
            if answer is not None and not getattr(frame, "nowait", False):
                self.send(answer)
        except Refused as error:
            self._fail(error, frame)

    def take_content(self, kind: int, payload: bytes) -> None:
        """Take a part of a message.

        Raises: Refused, for what ends the connection.
        """
        if self._is_closing:
            return
        if self._incoming is None:
            raise Refused(505, "expected method frame, got content instead")
        if self._incoming.take(payload, is_header=kind == HEADER):
            incoming, self._incoming = self._incoming, None
            try:
                publish(self, incoming.frame, incoming.message)
            except Refused as error:
                self._fail(error, incoming.frame)

    def send(self, frame: Any) -> None:
        """Send a frame."""
        self.session.send(self._number, frame)

    def send_content(self, method: Any, message: Message) -> None:
        """Send a message behind the method that says what it is."""
        size = self.session.frame_max - AROUND
        self.send(method)
        self.session.send_payload(HEADER, self._number, content_header(message))
        for at in range(0, len(message.body), size):
            self.session.send_payload(BODY, self._number, message.body[at : at + size])

    def hand_over(self, entry: Entry, queue: Queue, consumer: Consumer | None, *, ack: bool) -> int:
        """Return the delivery tag of a message that is on its way.

        ack: whether the client is to settle it.
        """
        self._delivered += 1
        if ack:
            one = self.unsettled[self._delivered] = Unsettled(entry, queue, consumer, self)
            queue.lend(one)
            if consumer is not None and self.observer is not None:
                self.observer.delivered(one)
        return self._delivered

    def settled(self, number: int, *, multiple: bool) -> list[Unsettled]:
        """Return what a settlement is about, and count it as settled.

        Raises: Refused
        """
        if multiple:
            tags = [tag for tag in self.unsettled if tag <= number or number == 0]
        else:
            tags = [number] if number in self.unsettled else []
        if not tags and (number != 0 or not multiple):
            raise Refused(406, f"unknown delivery tag {number}")
        return self.release(tags)

    def release(self, tags: Iterable[int]) -> list[Unsettled]:
        """Return deliveries, no longer counted as unsettled, but for what was taken back."""
        released = [self.unsettled.pop(tag) for tag in tags]
        for one in released:
            one.queue.settle(one)
            if one.consumer is not None and one.is_late:
                one.consumer.late -= 1
            elif one.consumer is not None:
                one.consumer.unsettled -= 1
        return [one for one in released if not one.is_late]

    def take_back(self, late: list[Unsettled]) -> None:
        """Return to their queue what the client was to settle by now.

        The client is told by the cancellation of its consumer, which may have nothing more until
        it has settled those, without effect. If it cannot be told so, its channel ends.
        """
        consumers = dict.fromkeys(one.consumer for one in late)
        for one in late:
            one.is_late = True
            if one.consumer is not None:
                one.consumer.unsettled -= 1
                one.consumer.late += 1
        self.put_back(late, failed=False)
        for consumer in consumers:
            if consumer in self.consumers.values() and self.session.knows_cancel:
                self.send(Basic.Cancel(consumer.tag, nowait=True))
            else:
                self._fail(Refused(406, LATE.format(self._number)))

    def note(self, deliveries: Iterable[Unsettled], outcome: str) -> None:
        """Let an observer know how deliveries were settled."""
        if self.observer is not None:
            for one in deliveries:
                self.observer.settled(one, outcome)

    def fill(self) -> None:
        """Have queues deliver what there is room for now."""
        for queue in {consumer.queue for consumer in self.consumers.values()}:
            queue.deliver()

    def end(self) -> None:
        """Stop consuming, and put back what is unsettled."""
        consumers, self.consumers = self.consumers, {}
        # First: a queue that ends with its last consumer takes nothing back.
        unsettled = self.release(list(self.unsettled))
        for consumer in consumers.values():
            consumer.queue.drop(consumer)
        self.put_back(unsettled, failed=True)
        for consumer in consumers.values():
            consumer.queue.deliver()

    def put_back(self, deliveries: Iterable[Unsettled], *, failed: bool) -> None:
        """Return messages to their queues, all of one queue together, to keep their order."""
        deliveries = list(deliveries)
        entries: dict[Queue, list[Entry]] = {}
        for one in deliveries:
            entries.setdefault(one.queue, []).append(one.entry)
        for queue, those in entries.items():
            queue.put_back(those, failed=failed)
        # Last: to be seen as settled and not yet as waiting would be nowhere.
        self.note(deliveries, "requeued")

    def _fail(self, error: Refused, frame: Any = None) -> None:
        if error.is_fatal:
            self.session.fail(error, frame)
            return
        self._is_closing = True
        self.end()
        self.send(ChannelFrames.Close(error.code, str(error)[:255], *method_of(frame)))
