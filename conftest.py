"""What the tests of several packages share: a broker, an inbox, a log to wait for, a clock."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scripts.rabbitmq.broker import Broker
from scripts.rabbitmq.private import VARIABLE, private_broker
from scripts.rabbitmq.probe import version_of

LIMIT = 60.0
"""Seconds that anything may take on a busy machine before a test gives up waiting for it."""


@pytest.fixture(scope="session")
def private_node() -> Iterator[Broker]:
    """A RabbitMQ that tests own: they may kill, stop, pause and start it."""
    with private_broker() as node:
        yield node


@pytest.fixture(scope="session")
def amqp_url(request: pytest.FixtureRequest) -> str:
    """The broker that tests talk to: the one named by the environment, else a private one."""
    url = os.environ.get(VARIABLE)
    return url or request.getfixturevalue("private_node").url


@pytest.fixture(scope="session")
def broker_version(amqp_url: str) -> tuple[int, ...]:
    """The version of that broker, as (4, 0, 5): what RabbitMQ does depends on it here and there."""
    return version_of(amqp_url)


@pytest.fixture
def limit() -> float:
    return LIMIT


@dataclass
class Inbox:
    """A handler that keeps the batches it is given, and hands them to the test."""

    batches: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)

    async def __call__(self, items: list[Any]) -> None:
        self.batches.put_nowait(items)

    async def batch(self) -> list[Any]:
        async with asyncio.timeout(LIMIT):
            return await self.batches.get()

    async def data(self, count: int) -> list[str]:
        """The data of the next `count` events, in order, whatever batches they come in."""
        return [event.data for event in await self._items(count)]

    async def bodies(self, count: int) -> list[Any]:
        """The bodies of the next `count` messages, sorted, whatever batches they come in."""
        return sorted(message.body for message in await self._items(count))

    async def _items(self, count: int) -> list[Any]:
        items: list[Any] = []
        while len(items) < count:
            items += await self.batch()
        return items


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


class LogWaiter(logging.Handler):
    """Collects log records, and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._changed = asyncio.Event()

    @contextmanager
    def listening(self, name: str) -> Iterator[None]:
        """Collect the records of a logger."""
        logger = logging.getLogger(name)
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.setLevel(logging.NOTSET)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self._changed.set()

    def matching(self, text: str) -> list[logging.LogRecord]:
        return [record for record in self.records if text in record.getMessage()]

    def written(self) -> str:
        """All records as a plain formatter writes them: messages, tracebacks and extras."""
        texts = (f"{logging.Formatter().format(each)} {vars(each)}" for each in self.records)
        return "\n".join(texts)

    @property
    def errors(self) -> list[logging.LogRecord]:
        return [record for record in self.records if record.levelno >= logging.WARNING]

    async def wait(self, text: str, count: int = 1) -> logging.LogRecord:
        async with asyncio.timeout(LIMIT):
            while len(self.matching(text)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.matching(text)[count - 1]


@pytest.fixture
def logs() -> Iterator[LogWaiter]:
    waiter = LogWaiter()
    with waiter.listening("asyncworker"):
        yield waiter


class Spans(InMemorySpanExporter):
    """Hold the spans that have ended, and let a test wait for some."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self._changed.set()
        return result

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self.get_finished_spans()

    async def wait(self, name: str, count: int = 1) -> list[ReadableSpan]:
        """The spans of a name, in the order in which they ended, when there are so many."""
        async with asyncio.timeout(LIMIT):
            while len(found := [one for one in self.all if one.name == name]) < count:
                self._changed.clear()
                await self._changed.wait()
        return found


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def pulse_lines() -> Iterator[SimpleQueue[logging.LogRecord]]:
    """What is logged about a loop that is blocked, for whoever blocks it to wait for."""
    lines: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler, logger = QueueHandler(lines), logging.getLogger("asyncworker.running.pulse")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture
def failing_token() -> Callable[..., Callable[[], object]]:
    """Make a function `token` that gives, or raises, one answer after the other.

    The last one it gives for ever.
    """

    def failing_token(*answers: object) -> Callable[[], object]:
        to_come = iter(answers)

        def token() -> object:
            answer = next(to_come, answers[-1])
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return token

    return failing_token


class Clock:
    """Turn the time of the running loop forward.

    stands_still: whether time passes in no other way, however slow the machine is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, stands_still: bool = False) -> None:
        now = loop.time()
        self._time = (lambda: now) if stands_still else loop.time
        self._ahead = 0.0
        loop.time = lambda: self._time() + self._ahead

    async def advance(self, seconds: float) -> None:
        """Let as much time pass, and what is due happen."""
        self._ahead += seconds
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def clock() -> Clock:
    return Clock(asyncio.get_running_loop())


@pytest.fixture
async def still_clock() -> Clock:
    return Clock(asyncio.get_running_loop(), stands_still=True)
