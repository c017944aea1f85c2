"""One soak, from the first message to the last check."""

import asyncio
import platform
import resource
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from scripts.rabbitmq.broker import Broker
from scripts.rabbitmq.probe import free_ports
from tests.faults.event_server import EventServer
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.soak.bound import bound
from tests.soak.breaker import EVERYTHING, Breaker
from tests.soak.crew import Member
from tests.soak.record import Record
from tests.soak.recovery import Recovery
from tests.soak.schedule import WORKERS, Fault, draw
from tests.soak.summary import Summary
from tests.soak.traffic import QUEUES, Publisher, declare, pause, send_events, send_requests

LIMIT = 300.0
"""Seconds that the start, the last recovery, and handling what is left may take."""
LOOK = 0.5


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Soak:
    """Own all that takes part in a soak, for one `run`."""

    def __init__(self, node: Broker, folder: Path, seed: int, minutes: float) -> None:
        self.summary = Summary(
            seed,
            minutes,
            node.ctl("version").strip(),
            platform.python_version(),
            f"{datetime.now(UTC):%Y-%m-%d}",
        )
        self._node = node
        self._folder = folder
        self._ledger = Ledger()
        self._record = Record(folder / "record", self._ledger)
        self._publisher = Publisher(node.url, self._ledger)
        self._events: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._members: dict[str, Member] = {}
        self._begun = 0.0

    async def run(self) -> Summary:
        """Let it all happen, and judge it."""
        await asyncio.to_thread(self._add_user)
        await declare(self._node.url)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(EventServer.started(self._ledger))
            for name, port in zip(WORKERS, free_ports(len(WORKERS)), strict=True):
                proxy = await stack.enter_async_context(Proxy.to(self._node.port))
                environment = {"STREAMS": server.url}
                self._members[name] = Member(name, proxy, port, self._folder, environment)
            breaker = Breaker(self._node, self._members, server, self._publisher, self._record)
            async with asyncio.TaskGroup() as group:
                for member in self._members.values():
                    group.create_task(member.run())
                await self._until("the workers are ready", self._well)
                before = self._memory()
                await self._break(breaker, server)
                self.summary.memory = {
                    name: (first, last)
                    for (name, first), last in zip(
                        before.items(), self._memory().values(), strict=True
                    )
                }
                for member in self._members.values():
                    await member.end()
        self._judge(breaker)
        return self.summary

    async def _break(self, breaker: Breaker, server: EventServer) -> None:
        """Send, break and mend, until everything is handled."""
        ended, watched = asyncio.Event(), asyncio.Event()
        recovery = Recovery(breaker, self._record, self._next_numbers, self._well)
        paths = [f"/{name}" for name in self._members]
        urls = [member.url for member in self._members.values()]
        self._begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(recovery.watch(watched))
            async with asyncio.TaskGroup() as senders:
                senders.create_task(self._publisher.run(ended))
                senders.create_task(send_events(server, paths, self._events, ended))
                senders.create_task(
                    send_requests(
                        lambda number: urls[number % len(urls)],
                        self._ledger,
                        self._requests,
                        ended,
                    )
                )
                await self._do(breaker)
                await self._until("all works again", lambda: _is_set(recovery.done))
                ended.set()
            watched.set()
        await self._until("the queues are empty", self._drained)
        self._record.read()
        self.summary.longest = recovery.longest

    async def _do(self, breaker: Breaker) -> None:
        async with asyncio.TaskGroup() as faults:
            for fault in draw(self.summary.seed, self.summary.minutes):
                await asyncio.sleep(self._begun + fault.at - time.monotonic())
                faults.create_task(self._do_one(breaker, fault))

    async def _do_one(self, breaker: Breaker, fault: Fault) -> None:
        async with breaker.turn(fault):
            say(f"{time.monotonic() - self._begun:8.1f} s  {fault}")
            await breaker.do(fault)

    def _next_numbers(self) -> dict[str, int]:
        # What is forwarded keeps its id: of the queue that it was published to.
        return {**self._publisher.numbers, **self._events}

    async def _well(self) -> bool:
        """Tell whether both workers answer and have no problems."""
        timeout = aiohttp.ClientTimeout(5)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as client:
                for member in self._members.values():
                    async with client.get(f"{member.url}/problems") as answer:
                        if await answer.json() != []:
                            return False
        except (aiohttp.ClientError, OSError):
            return False
        return True

    async def _drained(self) -> bool:
        """Tell whether nothing is left anywhere, and both workers consume every queue."""
        self._record.read()
        listed = await asyncio.to_thread(
            self._node.ctl, "list_queues", "name", "messages", "consumers"
        )
        queues = {
            name: (int(messages), int(consumers))
            for name, messages, consumers in map(str.split, listed.splitlines())
            if messages.isdigit()
        }
        waiting = any(messages for messages, _ in queues.values())
        consumed = all(queues[name][1] == len(WORKERS) for name in QUEUES)
        events = all(self._record.newest[path] == n - 1 for path, n in self._events.items())
        return not waiting and consumed and events and await self._well()

    async def _until(self, what: str, condition) -> None:
        """Wait for something that is due; when it does not come, that is a failure."""
        end = time.monotonic() + LIMIT
        while not await condition():
            if time.monotonic() > end:
                self.summary.failures.append(f"not within {LIMIT:g} s: {what}")
                return
            await pause(asyncio.Event(), LOOK)

    def _judge(self, breaker: Breaker) -> None:
        self.summary.faults = dict(
            sorted(Counter(one.kind.value for one in breaker.broken).items())
        )
        self.summary.account(self._ledger, bound(breaker.broken))
        for member in self._members.values():
            self.summary.failures += member.troubles

    def _memory(self) -> dict[str, int]:
        """Return the bytes that each process takes."""
        own = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        members = self._members.items()
        return {f"the {name} worker": member.memory for name, member in members} | {"the soak": own}

    def _add_user(self) -> None:
        self._node.ctl("add_user", "soak", "soak")
        self._node.ctl("set_permissions", "soak", *EVERYTHING)


async def _is_set(event: asyncio.Event) -> bool:
    return event.is_set()
