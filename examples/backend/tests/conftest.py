"""A Redis of the tests' own, and the example as pip would install it."""

import asyncio
import os
import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from asyncworker_redis import RedisConnection
from scripts.redis_server import RedisNode, running

ROOT = Path(__file__).parents[1]
LIMIT = 60.0
"""Seconds that anything may take on a busy machine before a test gives up waiting for it."""


@pytest.fixture(scope="session")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip would write of the example beside its modules."""
    folder = tmp_path_factory.mktemp("site-packages")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = folder / f"asyncworker_redis-{project['version']}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: asyncworker-redis", f"Version: {project['version']}"]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {path}" for name, path in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    return folder


@pytest.fixture(autouse=True)
def installed(site_packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the example installed for the length of a test: others must not know of it."""
    monkeypatch.syspath_prepend(site_packages)


@pytest.fixture(scope="session")
def node() -> Iterator[RedisNode]:
    """A Redis that tests own: they may kill and start it."""
    with running() as node:
        yield node


@pytest.fixture
async def redis(node: RedisNode) -> AsyncIterator[Redis]:
    """A client, as others use one; each test finds Redis empty."""
    async with Redis.from_url(node.url, decode_responses=True) as client:
        await client.flushall()
        yield client


@pytest.fixture
def connection(node: RedisNode) -> RedisConnection:
    return RedisConnection(node.url, claim_after=0.6)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait for what nobody tells."""

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT):
            while True:
                found = condition()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.02)

    return until


class Worker:
    """A worker as users start it, and what its handler wrote down."""

    def __init__(self, process: asyncio.subprocess.Process, record: Path) -> None:
        self._process = process
        self._record = record

    @property
    def begun(self) -> Counter[str]:
        """How often each message was with a handler."""
        return self._noted("begun")

    @property
    def handled(self) -> Counter[str]:
        """How often a handler was done with each message."""
        return self._noted("handled")

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    async def end(self) -> int:
        async with asyncio.timeout(LIMIT):
            return await self._process.wait()

    def _noted(self, event: str) -> Counter[str]:
        text = self._record.read_text() if self._record.exists() else ""
        # The last line of who was killed may not be whole.
        words = [line.split() for line in text.split("\n")[:-1]]
        return Counter(message for what, message in words if what == event)


@pytest.fixture
async def start(
    node: RedisNode, site_packages: Path, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Worker]]]:
    """Start workers in processes of their own."""
    path = os.pathsep.join(map(str, (site_packages, ROOT / "src")))

    @asynccontextmanager
    async def running(environment: dict[str, str]) -> AsyncIterator[Worker]:
        record = tmp_path / uuid4().hex
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            Path(__file__).with_name("worker.py"),
            env=os.environ
            | {"PYTHONPATH": path, "ASYNCWORKER_REDIS_URL": node.url, "RECORD": str(record)}
            | environment,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield Worker(process, record)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async with AsyncExitStack() as stack:

        async def start(**environment: str) -> Worker:
            return await stack.enter_async_context(running(environment))

        yield start
