"""Reading: the streams of a route, each from its place on."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncworker.cursors.keeper import Keeper
from asyncworker.rabbitmq.amqp.frames import Unhandled
from asyncworker.rabbitmq.reading.stream_ledger import StreamLedger
from asyncworker.rabbitmq.reading.stream_place import StreamPlace
from asyncworker.rabbitmq.streams.offset import ARGUMENT, HIGHEST, offset_of
from asyncworker.rabbitmq.wire.content_reader import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.cursors.cursor import Place
    from asyncworker.errors import Invalid
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.streams.start import Start


class Reading:
    """Know where a route is in its streams, and read on from there.

    on_poison: settles a message whose body cannot be decoded.
    """

    def __init__(
        self,
        route: AMQPRoute,
        start: Start,
        on_poison: Callable[[RabbitMQMessage, Invalid], None],
    ) -> None:
        self._route = route
        self._on_poison = on_poison
        self._places = {name: StreamPlace(start.offset) for name in route.routes}
        self._ledger = StreamLedger(self._moved)
        self._poison: list[tuple[RabbitMQMessage, Invalid]] = []
        """What of one read cannot be decoded."""
        self._keeper: Keeper[int] | None = None
        self._is_loaded = start.cursor is None
        if start.cursor is not None:
            subject, problems = route.subject(route.routes[0]), route.connection.problems
            self._keeper = Keeper(start.cursor, _checked, subject, problems)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Have the place kept, as long as the context lasts."""
        return nullcontext() if self._keeper is None else self._keeper.running()

    async def ready(self) -> None:
        """Wait until it is known where to begin."""
        if self._keeper is not None and not self._is_loaded:
            kept = await self._keeper.load()
            self._is_loaded = True
            if kept is not None:
                [place] = self._places.values()
                place.go_on_behind(kept)

    def begin(self) -> StreamLedger:
        """Begin with the messages of a new channel; return what they are settled by."""
        self._ledger = StreamLedger(self._moved)
        self._poison.clear()
        return self._ledger

    def how(self, queue: str) -> Consumer:
        """Return how a stream is consumed from its place on."""
        consumer = self._route.consumer
        argument = {ARGUMENT: self._places[queue].argument()}
        return replace(consumer, arguments={**consumer.arguments, **argument})

    def begin_anew(self, queue: str) -> None:
        """Begin with the first message, if something of it was read: it is another stream now."""
        if self._places[queue].has_begun:
            self._places[queue] = StreamPlace("first")

    def keep(self, message: RabbitMQMessage, error: Invalid) -> None:
        """Keep a message that cannot be decoded, until its place among the others is known."""
        self._poison.append((message, error))

    def fresh(
        self, messages: list[RabbitMQMessage], channel: ConsumeChannel
    ) -> list[RabbitMQMessage]:
        """Return the messages of one read, less those that are handled, or here, already.

        Raises: Malformed
        """
        poison = {message.delivery_tag: error for message, error in self._poison}
        came = sorted([*messages, *(message for message, _ in self._poison)], key=_tag_of)
        self._poison.clear()
        fresh = [message for message in came if self._is_fresh(message, channel)]
        for message in fresh:
            if (error := poison.get(message.delivery_tag)) is not None:
                self._on_poison(message, error)
        return [message for message in fresh if message.delivery_tag not in poison]

    def _is_fresh(self, message: RabbitMQMessage, channel: ConsumeChannel) -> bool:
        offset = offset_of(message.content[2])
        if offset is None:
            raise Malformed(f"queue {message.queue!r} is a stream, and a message has no offset")
        message.offset = offset
        place = self._places[message.queue]
        message.redelivered = not place.came(offset)
        if self._ledger.came(message.delivery_tag, place, offset):
            return True
        channel.settle(message.delivery_tag, Unhandled.RETURN)
        return False

    def _moved(self) -> None:
        if self._keeper is not None:
            [place] = self._places.values()
            if (handled := place.handled_up_to) is not None:
                self._keeper.reached(handled)


def _tag_of(message: RabbitMQMessage) -> int:
    return message.delivery_tag


def _checked(place: Place) -> int:
    if type(place) is not int or not 0 <= place < HIGHEST:
        raise ValueError(f"the cursor holds {place!r}, which is no offset of a stream")
    return place
