"""The broker's side of a channel: its consumers, what they have not settled, its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pamqp.commands import Basic
from pamqp.commands import Channel as ChannelFrames

from asyncworker.rabbitmq.amqp.frames import HEADER
from asyncworker.rabbitmq.amqp.methods import Deliver
from asyncworker.rabbitmq.memory.client import Content
from asyncworker.rabbitmq.memory.errors import Refused, method_of
from asyncworker.rabbitmq.memory.queue import Unacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.memory.client import Client
    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Message
    from asyncworker.rabbitmq.memory.queue import Queue
    from asyncworker.rabbitmq.memory.storage import Entry

LATE: Final = (
    "delivery acknowledgement on channel {} timed out. Timeout value used: -1 ms. This timeout "
    "value can be configured, see consumers doc guide to learn more"
)


class Observer(Protocol):
    """See what happens at a broker."""

    def published(self, message: Message) -> None:
        """Take note of what is on its way into queues."""
        ...

    def changed(self) -> None:
        """Take note of anything else."""
        ...

    def delivered(self, one: Unacked) -> None:
        """Take note of what is on its way to a consumer, which is to settle it."""
        ...

    def settled(self, one: Unacked, outcome: Any) -> None:
        """Take note of how it was settled: acked, rejected, dead-lettered or requeued."""
        ...


class Channel:
    """Do what the client asks for on one channel.

    methods: do it, each for one kind of frame; that of Basic.Publish is given the whole content.
    prefetch: for consumers to come. published: how many messages were since confirms were
    selected, or None. last_queue: declared, which is meant where none is named. reply_to: where
    what it asks is answered, and the tag of the consumer that gets that; None if there is none.
    """

    def __init__(
        self,
        number: int,
        client: Client,
        observer: Observer | None,
        methods: Mapping[type, Callable[[Channel, Any], Any]],
    ) -> None:
        self.client = client
        self.vhost = client.vhost
        self.consumers: dict[str, tuple[Queue, Consumer]] = {}
        self.unacked: dict[int, Unacked] = {}
        self.prefetch = 0
        self.published: int | None = None
        self.last_queue = ""
        self.reply_to: tuple[str, str] | None = None
        self._number = number
        self._observer = observer
        self._methods = methods
        self._delivered = 0
        self._content: Content | None = None
        self._is_closing = False

    def take(self, frame: Any) -> None:
        """Do what a method says.

        Raises: Refused, for what ends the connection.
        """
        if self._is_closing:
            return
        try:
            if self._content is not None:
                raise Refused(505, f"expected content for class 60, got {frame.name} instead")
            if isinstance(frame, Basic.Publish):
                self._content = Content(frame)
                return
            if type(frame) not in self._methods:
                raise Refused(540, f"memory:// has no {frame.name}")
            answer = self._methods[type(frame)](self, frame)
            if self._observer is not None:
                self._observer.changed()
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
        if self._content is None:
            raise Refused(505, "expected method frame, got content instead")
        if self._content.take(payload, is_header=kind == HEADER):
            content, self._content = self._content, None
            try:
                self._methods[Basic.Publish](self, content)
            except Refused as error:
                self._fail(error, content.frame)

    def send(self, frame: Any) -> None:
        """Send a frame."""
        self.client.send(self._number, frame)

    def send_content(self, method: Any, message: Message) -> None:
        """Send a message behind the method that says what it is."""
        self.client.send_content(self._number, method, message)

    def deliver(self, entry: Entry, queue: Queue, consumer: Consumer, *, no_ack: bool) -> None:
        """Send a message to a consumer."""
        tag = self.hand_over(entry, queue, consumer, no_ack=no_ack)
        message = queue.shown(entry)
        self.send_content(
            Deliver(consumer.tag, tag, entry.redelivered, message.exchange, message.routing_key),
            message,
        )

    def hand_over(
        self, entry: Entry, queue: Queue, consumer: Consumer | None, *, no_ack: bool
    ) -> int:
        """Return the delivery tag of a message that is on its way.

        no_ack: whether the client is not to settle it.
        """
        self._delivered += 1
        if not no_ack:
            one = self.unacked[self._delivered] = Unacked(entry, queue, consumer)
            queue.expect_settlement(one, self._take_back)
            if consumer is not None:
                consumer.unacked += 1
                if self._observer is not None:
                    self._observer.delivered(one)
        return self._delivered

    def deliver_reply(self, message: Message) -> None:
        """Send an answer to the consumer that takes them."""
        if self.reply_to is not None:
            self._delivered += 1
            tag, number = self.reply_to[1], self._delivered
            deliver = Deliver(tag, number, False, message.exchange, message.routing_key)
            self.send_content(deliver, message)

    def forget_reply_to(self) -> None:
        """Take no more answers."""
        if self.reply_to is not None:
            del self.vhost.askers[self.reply_to[0]]
            self.reply_to = None

    def settled(self, tag: int, *, multiple: bool) -> list[Unacked]:
        """Return what a settlement is about, but for what was taken back, and count it as settled.

        Raises: Refused
        """
        if multiple:
            tags = [one for one in self.unacked if one <= tag or tag == 0]
        else:
            tags = [tag] if tag in self.unacked else []
        if not tags and (tag != 0 or not multiple):
            raise Refused(406, f"unknown delivery tag {tag}")
        settled = [self.unacked.pop(one) for one in tags]
        for one in settled:
            one.queue.settle(one)
            if one.consumer is not None and one.is_late:
                one.consumer.late -= 1
            elif one.consumer is not None:
                one.consumer.unacked -= 1
        return [one for one in settled if not one.is_late]

    def put_back(self, deliveries: list[Unacked], *, failed: bool) -> None:
        """Return messages to their queues, all of one queue together, to keep their order."""
        entries: dict[Queue, list[Entry]] = {}
        for one in deliveries:
            entries.setdefault(one.queue, []).append(one.entry)
        for queue, those in entries.items():
            queue.put_back(those, failed=failed)
        # Last: to be seen as settled and not yet as waiting would be nowhere.
        self.note(deliveries, "requeued")

    def note_published(self, message: Message) -> None:
        """Let an observer know what is published."""
        if self._observer is not None:
            self._observer.published(message)

    def note(self, deliveries: Iterable[Unacked], outcome: str) -> None:
        """Let an observer know how deliveries were settled."""
        if self._observer is not None:
            for one in deliveries:
                self._observer.settled(one, outcome)

    def fill(self) -> None:
        """Have queues deliver what there is room for now."""
        for queue in {queue for queue, _ in self.consumers.values()}:
            queue.deliver()

    def end(self) -> None:
        """Stop consuming, and put back what is unsettled."""
        self.forget_reply_to()
        consumers, self.consumers = self.consumers, {}
        # First: a queue that ends with its last consumer takes nothing back.
        unacked = self.settled(0, multiple=True)
        for queue, consumer in consumers.values():
            queue.drop(consumer)
        self.put_back(unacked, failed=True)
        for queue, _ in consumers.values():
            queue.deliver()

    def _take_back(self, late: list[Unacked]) -> None:
        """Return to their queue what the client was to settle by now.

        The client is told by the cancellation of its consumer, which may have nothing more until
        it has settled those, without effect. If it cannot be told so, its channel ends.
        """
        consumers = dict.fromkeys(one.consumer for one in late)
        for one in late:
            one.is_late = True
            if one.consumer is not None:
                one.consumer.unacked -= 1
                one.consumer.late += 1
        self.put_back(late, failed=False)
        for consumer in consumers:
            known = [one for _, one in self.consumers.values()]
            if consumer in known and self.client.knows_cancel:
                self.send(Basic.Cancel(consumer.tag, nowait=True))
            else:
                self._fail(Refused(406, LATE.format(self._number)))

    def _fail(self, error: Refused, frame: Any = None) -> None:
        if error.is_fatal:
            self.client.fail(error, frame)
            return
        self._is_closing = True
        self.end()
        self.send(ChannelFrames.Close(error.code, str(error)[:255], *method_of(frame)))
