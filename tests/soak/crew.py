"""Two workers, which are started again whenever they end."""

import asyncio
import signal
from pathlib import Path

from tests.faults.proxy import Proxy
from tests.faults.waiting import INTERVAL
from tests.faults.worker import WORKERS, Worker
from tests.soak.bound import PREFETCH
from tests.soak.traffic import HEARTBEAT

SCRIPT = WORKERS / "soaking.py"
START = 300.0
"""Seconds that a worker may take until it listens, which are a few if the machine is idle."""
END = 40.0
"""Seconds that a worker may take to end: its own deadline of 20, and as much for the machine."""
FOR_EVER = 10.0**6


class Member:
    """Keep one worker running.

    troubles: what it did that it should not. lives: how often it was started.
    """

    def __init__(
        self, name: str, proxy: Proxy, port: int, folder: Path, environment: dict[str, str]
    ) -> None:
        self.name = name
        self.proxy = proxy
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.troubles: list[str] = []
        self.lives = 0
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._environment = environment | {
            "URL": f"amqp://soak:soak@127.0.0.1:{proxy.port}/?heartbeat={HEARTBEAT}",
            "PREFETCH": str(PREFETCH),
            "STREAM": f"/{name}",
            "PLACE": str(folder / f"{name}.place"),
            "ASYNCWORKER_HTTP_PORT": str(port),
        }
        self._worker: Worker | None = None
        self._told: signal.Signals | None = None
        self._ended = asyncio.Event()
        self._may_start = asyncio.Event()
        self._may_start.set()
        self._over = False

    @property
    def memory(self) -> int:
        """Return the resident set size, in bytes; 0 between two lives."""
        try:
            return self._worker.memory if self._worker else 0
        except OSError:
            return 0

    async def run(self) -> None:
        """Start it again and again, until `end`."""
        while not self._over:
            self.lives += 1
            self._told = None
            self._ended.clear()
            with self.log.open("ab") as log:
                async with Worker.started(
                    SCRIPT, self._folder / "record", self._environment, log.fileno()
                ) as self._worker:
                    self._judge(await self._worker.end(FOR_EVER))
            self._worker = None
            self._ended.set()
            await self._may_start.wait()

    async def stop(self, number: signal.Signals, seconds: float) -> None:
        """End it by a signal, and start it again some seconds later."""
        self._may_start.clear()
        try:
            await self._send(number)
            await asyncio.sleep(seconds)
        finally:
            self._may_start.set()

    async def end(self) -> None:
        """End it for good."""
        self._over = True
        await self._send(signal.SIGTERM)

    async def _send(self, number: signal.Signals) -> None:
        if self._worker is None:
            return
        if number == signal.SIGTERM:
            # A process that is just beginning knows no signals yet.
            await self._up()
        self._told = number
        self._worker.send(number)
        try:
            await asyncio.wait_for(self._ended.wait(), END)
        except TimeoutError:
            self.troubles.append(f"the {self.name} worker did not end within {END:g} s")
            self._worker.send(signal.SIGKILL)
            await self._ended.wait()

    async def _up(self) -> None:
        """Wait until it listens."""
        try:
            async with asyncio.timeout(START):
                # Another process does not tell of its own accord.
                while not self._ended.is_set() and not await listens(self.port):  # noqa: ASYNC110
                    await asyncio.sleep(INTERVAL)
        except TimeoutError:
            self.troubles.append(f"the {self.name} worker did not listen within {START:g} s")

    def _judge(self, code: int) -> None:
        allowed = {
            None: (),
            signal.SIGKILL: (-signal.SIGKILL,),
            # 1 when the broker is not there to settle with, which only the last end rules out.
            signal.SIGTERM: (0,) if self._over else (0, 1),
        }[self._told]
        if code not in allowed:
            why = f"after {self._told.name}" if self._told else "of its own accord"
            self.troubles.append(f"the {self.name} worker ended {why} with code {code}")


async def listens(port: int) -> bool:
    """Tell whether somebody accepts connections on a port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
