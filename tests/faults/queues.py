"""The broker from outside: what a drill publishes, and what is left at the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity

from tests.faults.ledger import Ledger
from tests.faults.waiting import INTERVAL, LIMIT


class Queues:
    """Declare, publish to and empty queues, each time by a connection of its own.

    The drill breaks connections: one that lives for a call only is no part of what it breaks, and
    whatever fails is tried again.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url = url
        self._ledger = ledger
        self._declared: list[str] = []

    async def declare(self, name: str, **arguments: Any) -> None:
        """Declare a durable queue whose rejected messages go to `NAME.dead`."""
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead"}
        async with self._channel() as channel:
            await channel.declare_queue(f"{name}.dead", durable=True)
            arguments = dead | {key.replace("_", "-"): value for key, value in arguments.items()}
            await channel.declare_queue(name, durable=True, arguments=arguments)
        self._declared.append(name)

    async def declare_stream(self, name: str) -> None:
        """Declare a stream, to be deleted by who declares it: nothing can be got out of one."""
        async with self._channel() as channel:
            arguments = {"x-queue-type": "stream"}
            await channel.declare_queue(name, durable=True, arguments=arguments)

    async def exists(self, name: str) -> bool:
        """Tell whether there is a queue of this name."""
        try:
            async with self._channel() as channel:
                await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return False
        return True

    async def delete(self, *names: str) -> None:
        """Delete queues with what is in them."""
        async with self._channel() as channel:
            for name in names:
                await channel.queue_delete(name)

    async def delete_exchange(self, name: str) -> None:
        """Delete an exchange."""
        async with self._channel() as channel:
            await channel.exchange_delete(name)

    async def consumers(self, *names: str) -> list[int]:
        """Return how many consume each of several queues."""
        async with self._channel() as channel:
            found = [(await channel.get_queue(name)).declaration_result for name in names]
        return [one.consumer_count or 0 for one in found]

    async def publish(
        self,
        name: str,
        bodies: Mapping[str, bytes] | Iterable[int],
        headers: dict[str, Any] | None = None,
    ) -> set[str]:
        """Publish until all is confirmed; return the ids.

        bodies: by message id, or numbers, which are id and body. headers: of each.
        """
        if not isinstance(bodies, Mapping):
            bodies = {str(number): str(number).encode() for number in bodies}
        self._ledger.attempted |= set(bodies)
        async with self._channel() as channel, asyncio.TaskGroup() as group:
            for message_id, body in bodies.items():
                group.create_task(self._publish(channel, name, message_id, body, headers))
        return set(bodies)

    async def hold(self, name: str, count: int, limit: float = LIMIT) -> None:
        """Wait until a queue holds this many messages that no consumer was given."""
        async with self._channel() as channel, asyncio.timeout(limit):
            # The broker does not tell of its own accord.
            while (await channel.get_queue(name)).declaration_result.message_count != count:  # noqa: ASYNC110
                await asyncio.sleep(INTERVAL)

    async def settle(self, *names: str, count: int) -> None:
        """Wait until queues hold together what they should, or more, and nobody consumes there.

        What a consumer held is back when the broker has seen that it is gone.
        """
        async with self._channel() as channel:
            held, consumers = -1, -1
            while held < count or consumers:
                found = [(await channel.get_queue(name)).declaration_result for name in names]
                held = sum(one.message_count or 0 for one in found)
                consumers = sum(one.consumer_count or 0 for one in found)
                await asyncio.sleep(INTERVAL)

    async def account(self) -> None:
        """Enter into the ledger what is left in the queues, and what was dead-lettered."""
        for name in self._declared:
            self._ledger.left |= await self._take(name)
            self._ledger.dead_lettered |= await self._take(f"{name}.dead")

    async def arrived(self, name: str) -> dict[str, list[Any]]:
        """Return what arrived in a queue, and take it from there: the bodies by message id."""
        bodies: dict[str, list[Any]] = {}
        async with self._channel() as channel:
            queue = await channel.get_queue(name)
            while message := await queue.get(no_ack=True, fail=False):
                bodies.setdefault(message.message_id or "", []).append(json.loads(message.body))
        return bodies

    async def clean(self) -> None:
        """Delete every queue declared here."""
        for name in self._declared:
            await self.delete(name, f"{name}.dead")

    async def _publish(
        self,
        channel: AbstractChannel,
        name: str,
        message_id: str,
        body: bytes,
        headers: dict[str, Any] | None,
    ) -> None:
        message = aio_pika.Message(
            body,
            headers=headers,
            message_id=message_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await channel.default_exchange.publish(message, routing_key=name)
        self._ledger.confirmed.add(message_id)

    async def _take(self, name: str) -> set[str]:
        ids = set()
        async with self._channel() as channel:
            queue = await channel.get_queue(name)
            while message := await queue.get(no_ack=True, fail=False):
                ids.add(message.message_id or "")
        return ids

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        async with asyncio.timeout(LIMIT):
            async with (
                await aio_pika.connect(self._url) as connection,
                connection.channel() as channel,
            ):
                yield channel
