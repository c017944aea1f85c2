"""Copies of messages, published in their place: each original is confirmed after its copy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from asyncworker.log_fields import beyond_handler
from asyncworker.options import Actions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from types import TracebackType

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage


def _nothing() -> None:
    """Stand where nobody needs to know of the end."""


class Copies:
    """Own what publishes copies of messages, and confirm each original once its copy is confirmed.

    So nothing is lost in between, but a message may come twice. As many are under way as prefetch
    lets be unsettled. As an `async with` it waits for them as it is left; left by an exception, or
    cancelled in that wait, it cancels them, and the broker has the originals.
    """

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[asyncio.Task[None], Sequence[RabbitMQMessage]] = {}
        """What is under way, with the messages that it is about."""

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        group, self._group = self._group, None
        if group is not None:
            await group.__aexit__(kind, raised, traceback)

    def submit(
        self,
        message: RabbitMQMessage,
        channel: ConsumeChannel,
        publish: Callable[[], Awaitable[None]],
        give_up: Callable[[Exception], None],
        on_end: Callable[[], None] = _nothing,
    ) -> None:
        """Have a copy published, and then the message confirmed on its channel.

        publish: returns when the broker has the copy. give_up: decides about the message otherwise.
        on_end: is called when either is done, or nothing more will be.
        """
        self.own(_replace(message, channel, publish, give_up), (message,), on_end)

    def own(
        self,
        publishing: Coroutine[Any, Any, None],
        messages: Sequence[RabbitMQMessage],
        on_end: Callable[[], None] = _nothing,
    ) -> None:
        """Run what publishes, and then settles messages.

        on_end: is called when that is done, or nothing more will be.
        """
        if self._group is None:
            # The run is over but for a handler that ignored its end: the broker has the messages.
            publishing.close()
            on_end()
            return
        # It may come to publish for handlers that end later in this turn of the loop, too.
        task = self._group.create_task(publishing, context=beyond_handler())
        self._tasks[task] = messages
        task.add_done_callback(self._tasks.pop)
        if on_end is not _nothing:
            task.add_done_callback(lambda _: on_end())

    def is_at(self, queue: str) -> bool:
        """Tell whether anything is under way in place of a message of a queue."""
        return any(one.queue == queue for messages in self._tasks.values() for one in messages)

    @property
    def is_at_any(self) -> bool:
        """Tell whether anything is under way."""
        return bool(self._tasks)

    def abandon(self) -> int:
        """Forget what is under way, as the channel is lost; return how many messages that is."""
        for task in self._tasks:
            task.cancel()
        return sum(map(len, self._tasks.values()))


async def _replace(
    message: RabbitMQMessage,
    channel: ConsumeChannel,
    publish: Callable[[], Awaitable[None]],
    give_up: Callable[[Exception], None],
) -> None:
    try:
        await publish()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is about this one message)
        give_up(error)
    else:
        channel.settle(message.delivery_tag, Actions.ACK)
