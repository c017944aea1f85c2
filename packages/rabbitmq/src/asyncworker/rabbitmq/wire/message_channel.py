"""A channel, as this package needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.amqp.frames import Settlement
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.outgoing import Outgoing


class MessageChannel(Protocol):
    """Carry messages on one AMQP channel; `underlay` is for everything else."""

    underlay: AbstractChannel

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing can be sent on it any more."""
        ...

    async def consume(
        self, queue: str, take: Callable[[list[Content]], int], how: Consumer
    ) -> None:
        """Consume a queue, and wait for no answer; its name is the consumer tag.

        The channel is lost when the broker refuses. take: gets the deliveries, and returns how many
        more have to come before any of them is of use. how: to consume it.
        Raises: BrokerError
        """
        ...

    async def consume_replies(self, take: Callable[[list[Content]], None]) -> None:
        """Consume what is answered to messages that are published on this channel, with confirms.

        take: gets the answers. There is nothing to settle, and no answer to wait for.
        Raises: BrokerError
        """
        ...

    def send(self, settlements: Iterable[Settlement]) -> None:
        """Settle deliveries, in that order."""
        ...

    async def flush(self) -> None:
        """Wait until settlements are on their way.

        Raises: BrokerError
        """
        ...

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish on a channel with confirms, and wait for this one's.

        deadline: seconds, on the loop's clock.
        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
        ...

    async def publish_many(
        self, messages: Sequence[Outgoing], deadline: float
    ) -> list[Exception | None]:
        """Publish all in their order, and wait for the confirms of all.

        Return for each what `publish()` would raise, or None.
        deadline: seconds, on the loop's clock.
        """
        ...
