"""What the soak gives its workers to do: messages, events and requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
import aiohttp
from aio_pika.abc import AbstractChannel

from tests.faults.event_server import EventServer
from tests.faults.ledger import Ledger

QUEUES: dict[str, dict[str, Any] | None] = {
    "soak.classic": {},
    "soak.classic.bulk": {},
    "soak.quorum": None,
    "soak.quorum.bulk": {"x-queue-type": "quorum"},
    "soak.retry": None,
    "soak.forward": {},
    "soak.forwarded": {"x-queue-type": "quorum"},
}
"""The arguments of each queue; None for those that the workers declare."""
PUBLISHED = [name for name in QUEUES if name != "soak.forwarded"]
HEARTBEAT = 2
PAUSE = 0.06
"""Seconds from one message of each queue to the next, if the broker confirms at once."""
SLOW = 0.25
"""Seconds from one event, and from one request, to the next."""
PATIENCE = 30.0
"""Seconds that a confirm or an answer may take before the soak tries anew."""
LOST = (OSError, RuntimeError, aio_pika.exceptions.AMQPError, asyncio.CancelledError)
"""What a client raises when its connection is gone. aiormq cancels what waited for a confirm."""


async def declare(url: str) -> None:
    """Declare the queues that the workers only name."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        for name, arguments in QUEUES.items():
            if arguments is not None:
                await channel.declare_queue(name, durable=True, arguments=arguments)


class Publisher:
    """Publish to each queue, with confirms; what is not confirmed is not published again.

    numbers: the next one of each queue. confirmed_at: the last time that all was confirmed.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.numbers: Counter[str] = Counter()
        self.confirmed_at = 0.0
        self._url = f"{url}?heartbeat={HEARTBEAT}"
        self._ledger = ledger

    async def run(self, ended: asyncio.Event) -> None:
        """Publish until told to end, over one connection after the other."""
        while not ended.is_set():
            with suppress(*LOST):
                async with self._channel() as channel:
                    while not ended.is_set():
                        await self._batch(channel)
                        await pause(ended, PAUSE)
            await pause(ended, PAUSE)

    async def _batch(self, channel: AbstractChannel) -> None:
        results = await asyncio.gather(
            *(self._publish(channel, name) for name in PUBLISHED), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        self.confirmed_at = asyncio.get_running_loop().time()

    async def _publish(self, channel: AbstractChannel, name: str) -> None:
        number = self.numbers[name]
        self.numbers[name] += 1
        message_id = f"{name}-{number}"
        self._ledger.attempted.add(message_id)
        message = aio_pika.Message(
            b"%d" % number, message_id=message_id, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        await channel.default_exchange.publish(message, routing_key=name, timeout=PATIENCE)
        self._ledger.confirmed.add(message_id)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        async with asyncio.timeout(PATIENCE):
            connection = await aio_pika.connect(self._url)
        try:
            async with asyncio.timeout(PATIENCE):
                channel = await connection.channel()
            yield channel
        finally:
            # Nobody may answer.
            with suppress(*LOST):
                async with asyncio.timeout(1):
                    await connection.close()


async def send_events(
    server: EventServer, paths: Sequence[str], numbers: Counter[str], ended: asyncio.Event
) -> None:
    """Add an event to each stream now and then."""
    while not ended.is_set():
        for path in paths:
            server.publish([b"%d" % numbers[path]], path)
            numbers[path] += 1
        await pause(ended, SLOW)


async def send_requests(
    url: Callable[[int], str], ledger: Ledger, numbers: Counter[str], ended: asyncio.Event
) -> None:
    """Ask for one number after the other, again when the worker dies meanwhile.

    url: of the worker to ask, by the number of the try.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as client:
        while not ended.is_set():
            number = numbers["http"]
            numbers["http"] += 1
            ledger.attempted.add(f"http-{number}")
            ledger.confirmed.add(f"http-{number}")
            await _ask(client, url, number)
            ledger.handled[f"http-{number}"] += 1
            await pause(ended, SLOW)


async def _ask(client: aiohttp.ClientSession, url: Callable[[int], str], number: int) -> None:
    tries = 0
    while True:
        target = f"{url(number + tries)}/numbers/{number}"
        tries += 1
        try:
            async with client.get(target, headers={"Connection": "close"}) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(PAUSE)
        else:
            assert (answer.status, text) == (200, f'{{"number":{number}}}'), (answer.status, text)
            return


async def pause(ended: asyncio.Event, seconds: float) -> None:
    """Wait, and no longer than until the end."""
    with suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)
