"""Routes of event streams that take nothing for a while."""

import asyncio

import pytest

from asyncworker import App, Breaker, Options, Pause, RouteTypes
from asyncworker.sse import SSEConnection
from asyncworker.testing import TestApp

SHORT = 0.02
LONG = 200


class DatabaseDown(Exception):
    """Say that nothing can be stored."""


class Database:
    """What a handler stores events in, unless it is down."""

    def __init__(self):
        self.is_down = True
        self.asked = 0
        self.stored = asyncio.Queue()

    async def store(self, events):
        """Be a handler."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise DatabaseDown("no answer")
        for event in events:
            self.stored.put_nowait(event.data)

    async def take(self, count, limit):
        async with asyncio.timeout(limit):
            return [await self.stored.get() for _ in range(count)]


@pytest.fixture
def database():
    return Database()


def served(app, handler, **options):
    given = {Options[name]: one for name, one in options.items()}
    app.route(["/x"], type=RouteTypes.SSE, options=given)(handler)


def events(count, start=0):
    return "".join(f"data: {number}\n\n" for number in range(start, start + count)).encode()


def numbers(count):
    return [str(number) for number in range(count)]


async def test_a_route_waits_whose_handler_fails_too_often(app, server, database, logs):
    served(app, database.store, BREAKER=Breaker(failures=1, of=1, pause=LONG))
    async with app.started():
        await (await server.stream()).send(events(50))
        await logs.wait("1 of the last 1 batches failed, at last by DatabaseDown('no answer')")
        assert database.asked == 1
        (problem,) = app.problems
        assert ": paused for 200 s, until 20" in problem
        assert len(logs.matching(": paused for")) == 1
        database.is_down = False
    # What was read is handled at the end, as ever.
    assert await database.take(50, 10) == numbers(50)


async def test_it_tries_one_event_and_goes_on_in_order(app, server, database, logs, limit):
    served(app, database.store, BREAKER=Breaker(of=1, pause=SHORT))
    async with app.started():
        stream = await server.stream()
        await stream.send(events(30))
        await logs.wait("tries one event")
        await logs.wait("paused for 0.08 s")
        await stream.send(events(30, 30))
        database.is_down = False
        assert await database.take(60, limit) == numbers(60)
        assert app.problems == []


@pytest.mark.parametrize("bulk_size", [1, 4])
async def test_a_handler_may_say_for_how_long(app, server, logs, limit, bulk_size):
    handled, limited = [], [Pause(SHORT), Pause(SHORT)]
    done = asyncio.Event()

    async def handler(batch):
        if limited:
            raise limited.pop()
        handled.extend(event.data for event in batch)
        if len(handled) == 20:
            done.set()

    served(app, handler, BULK_SIZE=bulk_size, BULK_FLUSH_INTERVAL=0.01)
    async with app.started():
        await (await server.stream()).send(events(20))
        await logs.wait("paused for 0.02 s", count=2)
        async with asyncio.timeout(limit):
            await done.wait()
    assert handled == numbers(20)


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_a_try_that_ends_by_itself_is_over(app, server, logs, limit, error):
    handled, raised, done = [], [error(), Pause(SHORT)], asyncio.Event()

    async def handler(batch):
        if raised:
            raise raised.pop()
        handled.extend(event.data for event in batch)
        if len(handled) == 4:
            done.set()

    served(app, handler)
    async with app.started():
        await (await server.stream()).send(events(5))
        await logs.wait("tries one event")
        async with asyncio.timeout(limit):
            await done.wait()
    # What it was at is given up, as at any other time.
    assert handled == ["1", "2", "3", "4"]


async def test_what_is_tried_as_another_pause_begins_is_kept(app, server, logs, limit):
    handled, done = [], asyncio.Event()

    async def handler(batch):
        handled.extend(event.data for event in batch)
        if len(handled) == 5:
            done.set()

    served(app, handler, ORDER_BY=lambda event: event.data)
    app.pause(handler)
    async with app.started():
        await (await server.stream()).send(events(5))
        await logs.wait("connected")
        circuit = app.routes[0].circuit
        for _ in range(10):
            app.resume(handler)
            circuit.failed(Pause(SHORT))
            await logs.wait("tries one event")
            circuit.failed(Pause(SHORT))
        async with asyncio.timeout(limit):
            await done.wait()
    assert handled == numbers(5)


async def test_it_pauses_by_hand(app, server, inbox, logs):
    served(app, inbox)
    app.pause(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(events(3))
        await logs.wait("paused until app.resume(): app.pause() was called")
        (problem,) = app.problems
        assert "paused until app.resume()" in problem
        app.resume(inbox)
        assert await inbox.data(3) == numbers(3)
        assert app.problems == []
        app.pause(inbox)
        await stream.send(events(1, 3))
        assert inbox.batches.empty()
        app.resume(inbox)
        assert await inbox.data(1) == ["3"]


async def test_other_routes_do_not_notice(app, server, database, inbox, logs):
    served(app, database.store, BREAKER=Breaker(of=1, pause=LONG))
    app.route(["/y"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        streams = [await server.stream() for _ in range(2)]
        for stream in streams:
            await stream.send(events(1))
        await logs.wait("paused for 200 s")
        assert await inbox.data(1) == ["0"]
        database.is_down = False


async def test_a_lost_stream_is_no_news_of_a_paused_route(app, server, inbox, logs):
    served(app, inbox)
    app.pause(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(events(1))
        stream.drop()
        await logs.wait("trying again")
        (problem,) = app.problems
        assert "paused until app.resume()" in problem
        app.resume(inbox)
        assert await inbox.data(1) == ["0"]


async def test_a_test_turns_the_clock_of_a_pause(database):
    app = App(connections=[SSEConnection("http://127.0.0.1:9")])
    served(app, database.store, BREAKER=Breaker(of=1, pause=5))
    async with TestApp(app) as worker:
        for number in range(3):
            await worker.feed("/x", number)
        await worker.idle()
        assert database.asked == 1
        await worker.advance(4)
        await worker.idle()
        assert database.asked == 1
        await worker.advance(1)
        await worker.idle()
        assert database.asked == 2
        database.is_down = False
        await worker.advance(10)
        await worker.idle()
        assert database.stored.qsize() == 3
        assert [type(error).__name__ for error in worker.errors] == ["DatabaseDown"] * 2
