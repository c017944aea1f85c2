"""Breaks what a fault says, and mends it again."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import chain, repeat

from scripts.rabbitmq.broker import Broker, BrokerError
from tests.faults.event_server import EventServer
from tests.soak.bound import Broken
from tests.soak.crew import Member
from tests.soak.record import Record
from tests.soak.schedule import Fault, Kind
from tests.soak.traffic import Publisher

SLOWEST = 0.4
"""Seconds that a byte takes at the most, each way, on a slow connection."""
LONGEST_CUT = 5000
"""Bytes after which a connection is cut, at the most."""
AT_REST = 2.0
"""Seconds after which an acknowledgement is on the disk, if a later message was confirmed."""
ALARM, NO_ALARM = "0.000001", "0.4"
EVERYTHING, NOTHING = (".*", ".*", ".*"), ("", "", "")


class Breaker:
    """Do one fault after the other. What is broken already is not broken twice at a time.

    broken: what was done. active: how many faults are not over.
    """

    def __init__(
        self,
        node: Broker,
        members: Mapping[str, Member],
        server: EventServer,
        publisher: Publisher,
        record: Record,
    ) -> None:
        self.broken: list[Broken] = []
        self.active = 0
        self._node = node
        self._members = members
        self._server = server
        self._publisher = publisher
        self._record = record
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._do = {
            Kind.BROKER_KILLED: self._kill,
            Kind.BROKER_FROZEN: self._freeze,
            Kind.BROKER_RESTARTED: self._restart,
            Kind.CONNECTIONS_CLOSED: self._close_all,
            Kind.CONNECTION_CLOSED: self._close_one,
            Kind.MEMORY_ALARM: self._alarm,
            Kind.PERMISSIONS_WITHDRAWN: self._withdraw,
            Kind.NETWORK_CUT: self._cut,
            Kind.FRAME_CUT: self._cut_frame,
            Kind.NETWORK_SLOW: self._slow,
            Kind.STREAMS_CUT: self._cut_streams,
            Kind.WORKER_TERMINATED: self._terminate,
            Kind.WORKER_KILLED: self._kill_worker,
        }

    @asynccontextmanager
    async def turn(self, fault: Fault) -> AsyncIterator[None]:
        """Wait until nothing else breaks the same, and count as active meanwhile."""
        async with self._locks[_what(fault)]:
            self.active += 1
            try:
                yield
            finally:
                self.active -= 1

    async def do(self, fault: Fault) -> None:
        """Break, wait as long as the fault lasts, and mend."""
        await self._do[fault.kind](fault)

    async def _kill(self, fault: Fault) -> None:
        await asyncio.to_thread(self._node.kill)
        self._record.read()
        at_stake = self._record.settled_since(self._publisher.confirmed_at - AT_REST)
        self.broken.append(Broken(fault.kind, at_stake))
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self._node.start)

    async def _freeze(self, fault: Fault) -> None:
        await asyncio.to_thread(self._node.pause)
        try:
            self._count(fault)
            await asyncio.sleep(fault.seconds)
        finally:
            self._node.resume()

    async def _restart(self, fault: Fault) -> None:
        await asyncio.to_thread(self._node.stop)
        self._count(fault)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self._node.start)

    async def _close_all(self, fault: Fault) -> None:
        await self._ctl("close_all_connections", "on purpose")
        self._count(fault)

    async def _close_one(self, fault: Fault) -> None:
        lines = (await self._ctl("list_connections", "user", "pid")).splitlines()
        pids = [line.split("\t")[1] for line in lines if line.startswith("soak\t")]
        # It may be gone by itself meanwhile.
        with suppress(BrokerError):
            for pid in pids[int(fault.chance * len(pids)) :][:1]:
                await self._ctl("close_connection", pid, "on purpose")
        self._count(fault)

    async def _alarm(self, fault: Fault) -> None:
        await self._ctl("set_vm_memory_high_watermark", ALARM)
        try:
            self._count(fault)
            await asyncio.sleep(fault.seconds)
        finally:
            await self._ctl("set_vm_memory_high_watermark", NO_ALARM)

    async def _withdraw(self, fault: Fault) -> None:
        await self._ctl("set_permissions", "soak", *NOTHING)
        try:
            # Who consumes already may go on to: it is the next channel that is refused.
            for member in self._members.values():
                member.proxy.cut()
            self._count(fault)
            await asyncio.sleep(fault.seconds)
        finally:
            await self._ctl("set_permissions", "soak", *EVERYTHING)

    async def _cut(self, fault: Fault) -> None:
        self._members[fault.worker].proxy.cut()
        self._count(fault)

    async def _cut_frame(self, fault: Fault) -> None:
        proxy = self._members[fault.worker].proxy
        proxy.cuts = chain([int(fault.chance * LONGEST_CUT)], repeat(None))
        await self._cut(fault)

    async def _slow(self, fault: Fault) -> None:
        proxy = self._members[fault.worker].proxy
        proxy.delay = fault.chance * SLOWEST
        try:
            self._count(fault)
            await asyncio.sleep(fault.seconds)
        finally:
            proxy.delay = 0.0

    async def _cut_streams(self, fault: Fault) -> None:
        self._server.cut()
        self._count(fault)

    async def _terminate(self, fault: Fault) -> None:
        self._count(fault)
        await self._members[fault.worker].stop(signal.SIGTERM, fault.seconds)

    async def _kill_worker(self, fault: Fault) -> None:
        self._count(fault)
        await self._members[fault.worker].stop(signal.SIGKILL, fault.seconds)

    def _count(self, fault: Fault) -> None:
        self.broken.append(Broken(fault.kind))

    async def _ctl(self, *args: str) -> str:
        return await asyncio.to_thread(self._node.ctl, *args)


def _what(fault: Fault) -> str:
    """Name what a fault breaks."""
    if not fault.worker:
        return "streams" if fault.kind == Kind.STREAMS_CUT else "broker"
    process = fault.kind in (Kind.WORKER_TERMINATED, Kind.WORKER_KILLED)
    return f"{fault.worker} worker" if process else f"{fault.worker} network"
