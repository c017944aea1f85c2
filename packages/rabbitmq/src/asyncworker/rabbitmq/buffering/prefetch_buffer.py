"""What was delivered and no handler was given yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.rabbitmq.amqp.frames import Unhandled
from asyncworker.rabbitmq.buffering.redeliveries import Redeliveries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.dispatch import Dispatcher
    from asyncworker.intake.intake import Intake
    from asyncworker.rabbitmq.buffering.gate import Gate
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage


class PrefetchBuffer:
    """Pass messages on to handlers while the gate is open, and give the rest back at the end.

    intake, dispatcher: what they go through on their way.
    """

    def __init__(
        self, gate: Gate, intake: Intake[RabbitMQMessage], dispatcher: Dispatcher[RabbitMQMessage]
    ) -> None:
        self.is_closed = False
        """Whether what comes goes back."""
        self._gives_back = False
        """Whether it goes back at once: as long as the broker sends on, it would only return."""
        self._tries: int | None = None
        """How many may be handled yet, one by one; None where nothing is only tried."""
        self._gate = gate
        self._intake = intake
        self._dispatcher = dispatcher
        self._redeliveries = Redeliveries()
        self._held: list[RabbitMQMessage] = []
        self._unwanted: list[RabbitMQMessage] = []
        self._leaving: dict[str, list[RabbitMQMessage]] = {}
        """What was delivered of queues that are left, and goes back together."""

    def open(self, *, tries_one: bool) -> None:
        """Begin with a channel. tries_one: have one message handled, and all others go back."""
        self.is_closed = self._gives_back = False
        self._tries = 1 if tries_one else None

    def close(self) -> None:
        """Have nothing more handled: what no handler was given goes back with what still comes."""
        self.is_closed = True
        self._unwanted += self._withdrawn()

    def leave(self, queue: str) -> None:
        """Have nothing more of a queue handled; what is here goes back, and what still comes."""
        if queue in self._leaving:
            return
        self._leaving[queue] = []
        withdrawn = self._withdrawn()
        if withdrawn and self._tries is not None:
            # The one that was to be tried is among them.
            self._tries = 1
        messages = withdrawn + self._unwanted
        self._unwanted = []
        # Those of other queues go on in the order in which they came.
        self.take(sorted(messages, key=_number_of))

    def left(self, queue: str) -> None:
        """Give back what is here of a queue that is left, once nothing more comes of it."""
        _return(self._leaving.pop(queue, ()))

    def take(self, messages: list[RabbitMQMessage]) -> None:
        """Have messages handled as soon as the gate is open, or given back."""
        if self._leaving:
            messages = self._set_aside(messages)
        if self._gives_back:
            _return(messages)
        elif self.is_closed:
            self._unwanted += messages
        elif self._gate.is_open:
            self._hand_out(messages)
        else:
            if not self._held:
                self._gate.wait(self._release)
            self._held += messages

    def waiting(self) -> int:
        """Return how many messages are here that are not on their way to a handler yet."""
        return len(self._held) + len(self._intake)

    def take_first(self, batches: list[list[RabbitMQMessage]]) -> None:
        """Have batches handled that were handled before, ahead of all others, or given back."""
        if self._leaving:
            batches = list(filter(None, map(self._set_aside, batches)))
        if self.is_closed:
            self.take([message for batch in batches for message in batch])
        else:
            self._intake.submit_first(batches)

    def hold(self, message: RabbitMQMessage, seconds: float) -> None:
        """Have a message handled once more, some time after, before all others of its key."""
        if self.is_closed or message.queue in self._leaving:
            self.take([message])
        else:
            self._intake.hold(message, seconds)

    def ended(self, messages: Iterable[RabbitMQMessage]) -> None:
        """Have handled again what came again while a handler was at it."""
        released = self._set_aside(self._redeliveries.released_by(messages))
        if released:
            self._intake.take_again(released)

    def forget(self) -> tuple[int, int]:
        """Forget what a lost channel brought, as it comes again.

        Return how many messages no handler was given, and how many handlers are still at.
        """
        left = [message for aside in self._leaving.values() for message in aside]
        dropped = len(self._withdrawn()) + len(self._unwanted) + len(left)
        self._unwanted.clear()
        self._leaving = {queue: [] for queue in self._leaving}
        self._gives_back = False
        running = self._dispatcher.running()
        self._redeliveries.expect(running)
        return dropped, len(running)

    async def give_back(self, channel: ConsumeChannel) -> None:
        """Take nothing more, and return to the broker what no handler was given."""
        self.close()
        running = self._dispatcher.running()
        # First, or the broker would deliver right here again what goes back.
        await channel.stop_consuming({one.queue for one in running if one.channel is channel})
        # Now all is here that was under way, or goes back as it comes: what goes back by the
        # channel's end, 4.3 counts.
        self._gives_back = True
        _return(self._unwanted)
        self._unwanted.clear()

    def _set_aside(self, messages: list[RabbitMQMessage]) -> list[RabbitMQMessage]:
        """Return messages without those of queues that are left."""
        if not self._leaving:
            return messages
        for message in messages:
            if message.queue in self._leaving:
                self._leaving[message.queue].append(message)
        return [message for message in messages if message.queue not in self._leaving]

    def _release(self) -> None:
        held, self._held = self._held, []
        if self.is_closed:
            _return(held)
        else:
            self._hand_out(held)

    def _hand_out(self, messages: list[RabbitMQMessage]) -> None:
        """Have messages handled, less those that a handler is still at."""
        if self._redeliveries:
            messages = [message for message in messages if not self._redeliveries.hold(message)]
        if self._tries is None:
            self._intake.extend(messages)
        else:
            self._try(messages)

    def _try(self, messages: list[RabbitMQMessage]) -> None:
        """Have one message handled, at once, and none with it."""
        for number, message in enumerate(messages):
            if not self._tries:
                self._unwanted += messages[number:]
                return
            if self._intake.try_one(message):
                self._tries = 0

    def _withdrawn(self) -> list[RabbitMQMessage]:
        held, self._held = self._held, []
        return held + self._intake.withdraw() + self._redeliveries.clear()


def _number_of(message: RabbitMQMessage) -> int:
    return message.delivery_tag


def _return(messages: Iterable[RabbitMQMessage]) -> None:
    for message in messages:
        if message.channel is not None:
            message.channel.settle(message.delivery_tag, Unhandled.RETURN)
