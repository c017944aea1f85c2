"""Routes of event streams that one process among all reads."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from asyncworker import App, Once, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.errors import ConfigurationError
from asyncworker.health import health
from asyncworker.rabbitmq.memory.broker import broker, forget
from asyncworker.sse import SSEConnection
from asyncworker.testing import TestApp

SOON = 0.02


@pytest.fixture(autouse=True)
def soon_again(monkeypatch):
    """Let who stands by look often."""
    monkeypatch.setattr("asyncworker.rabbitmq.locking.queue_lock.LOOK_EVERY", SOON)
    yield
    forget("once")


class Follower:
    """An app that follows one stream, in the place of a process."""

    def __init__(self, server, limit):
        self.locks = AMQPConnection(url="memory://once")
        self.app = App(connections=[SSEConnection(server.url), self.locks])
        self.taken = asyncio.Queue()
        self.handler = self.take
        """One object for all who ask for it."""
        self._limit = limit
        self._stack = AsyncExitStack()

    async def take(self, events):
        """Be the handler."""
        for event in events:
            self.taken.put_nowait(event.data)

    async def start(self):
        await self._stack.enter_async_context(self.app.started())
        return self

    async def stop(self):
        await self._stack.aclose()

    async def data(self):
        async with asyncio.timeout(self._limit):
            return await self.taken.get()

    async def stands(self, state):
        """Wait until the stream is in a state; return why it is."""
        async with asyncio.timeout(self._limit):
            while True:
                for one in health(self.app)["routes"]:
                    if one["kind"] == "sse" and one["state"] == state:
                        return one["reason"]
                await asyncio.sleep(0.01)


@pytest.fixture
async def follower(server, limit):
    """Make followers, which are ended with the test."""
    made = []

    def make(**options):
        one = Follower(server, limit)
        one.app.route(["/x"], type=RouteTypes.SSE, once="follow", **options)(one.handler)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.stop()


async def test_one_reads_and_the_other_stands_by_ready(follower, server):
    first = await follower().start()
    stream = await server.stream()
    await first.stands("working")
    second = await follower().start()
    assert await second.stands("standing by") == "another holds lock 'follow'"
    assert health(second.app)["ready"]
    assert second.app.problems == []
    await stream.send(b"data: 1\n\n")
    assert await first.data() == "1"
    assert server.streams.empty()


async def test_another_reads_when_the_first_has_ended_and_handled_what_it_read(follower, server):
    first, second = follower(), follower()
    await first.start()
    stream = await server.stream()
    await first.stands("working")
    await second.start()
    await second.stands("standing by")
    await stream.send(b"data: 1\n\n")
    assert await first.data() == "1"
    await first.stop()
    await (await server.stream()).send(b"data: 2\n\n")
    assert await second.data() == "2"


async def test_who_loses_the_lock_stops_reading_and_goes_on_after_its_last_event(
    follower, server, logs
):
    one = await follower().start()
    stream = await server.stream()
    await stream.send(b"id: 7\ndata: 1\n\n")
    assert await one.data() == "1"
    for client in list(broker("once").connections):
        broker("once").leave(client)
        client.client.hang_up()
    await logs.wait("handler Follower.take: lock 'follow': ")
    again = await server.accept()
    assert again.request.headers["Last-Event-ID"] == "7"
    await (await again.start()).send(b"data: 2\n\n")
    assert await one.data() == "2"
    await one.stands("working")
    assert one.app.problems == []


class Shared:
    """A cursor that all processes share, as a row of a database is."""

    def __init__(self):
        self.place = None
        self.is_saved = asyncio.Event()

    async def load(self):
        return self.place

    async def save(self, place):
        self.place = place
        self.is_saved.set()


async def test_who_takes_over_goes_on_behind_what_was_handled(follower, server):
    cursor = Shared()
    first, second = follower(cursor=cursor), follower(cursor=cursor)
    await first.start()
    stream = await server.stream()
    await second.start()
    await second.stands("standing by")
    await stream.send(b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n")
    assert [await first.data(), await first.data()] == ["1", "2"]
    await first.stop()
    again = await server.accept()
    assert again.headers["Last-Event-ID"] == "2"
    await (await again.start()).send(b"id: 3\ndata: 3\n\n")
    assert await second.data() == "3"


async def test_who_gets_the_lock_back_goes_on_where_another_was(follower, server, limit):
    cursor = Shared()
    one = await follower(cursor=cursor).start()
    stream = await server.stream()
    await stream.send(b"id: 1\ndata: 1\n\n")
    assert await one.data() == "1"
    async with asyncio.timeout(limit):
        await cursor.is_saved.wait()
    # As another process does that has the lock meanwhile.
    cursor.place = "7"
    await _lose(one)
    again = await server.accept()
    assert again.headers["Last-Event-ID"] == "7"
    await one.stop()
    assert cursor.place == "7"


async def test_a_stream_that_the_server_ended_for_good_stays_ended(follower, server, logs):
    one = await follower().start()
    (await server.accept()).respond(204)
    await one.stands("ended")
    await _lose(one)
    await logs.wait("this process holds lock 'follow'", 2)
    await one.stands("ended")
    assert server.streams.empty()


async def test_a_broker_that_is_away_is_a_problem_and_nothing_is_read(server, limit):
    one = Follower(server, limit)
    one.app = App(
        connections=[
            SSEConnection(server.url),
            AMQPConnection(url="amqp://guest:guest@127.0.0.1:1/"),
        ]
    )
    one.app.route(["/x"], type=RouteTypes.SSE, once=True)(one.take)
    await one.start()
    reason = await one.stands("waiting")
    assert ": cannot connect to amqp://guest@127.0.0.1:1" in reason
    assert one.app.problems == [f"handler Follower.take: {reason}"]
    assert server.streams.empty()
    await one.stop()
    assert one.app.problems == []


async def test_a_pause_of_a_route_that_stands_by_waits_for_its_turn(follower, server):
    first = await follower().start()
    await server.stream()
    await first.stands("working")
    second = await follower().start()
    await second.stands("standing by")
    second.app.pause(second.handler)
    second.app.resume(second.handler)
    await asyncio.sleep(0.05)
    await second.stands("standing by")


async def test_nothing_is_left_at_the_end(follower, server):
    tasks = asyncio.all_tasks()
    first, second = await follower().start(), await follower().start()
    await server.stream()
    await first.stop()
    await second.stop()
    # Those of the server may take a moment.
    assert [one for one in asyncio.all_tasks() - tasks if "asyncworker" in repr(one)] == []


@pytest.mark.parametrize("wrong", [1, "", None])
def test_a_wrong_value_is_an_error_at_the_decorator(app, wrong):
    async def take(events):
        """Be a handler."""

    with pytest.raises(ConfigurationError, match="once must be True"):
        app.route(["/x"], type=RouteTypes.SSE, once=wrong)(take)


def test_a_route_without_a_connection_that_holds_locks_says_what_it_needs(app):
    async def take(events):
        """Be a handler."""

    with pytest.raises(ConfigurationError, match=r"App\(connections=\[AMQPConnection"):
        app.route(["/x"], type=RouteTypes.SSE, once=True)(take)


def test_the_lock_is_of_the_connection_that_is_named(connection):
    async def take(events):
        """Be a handler."""

    one, other = (AMQPConnection(url=f"memory://{name}", name=name) for name in "ab")
    app = App(connections=[connection, one, other])
    app.route(["/x"], type=RouteTypes.SSE, once=Once("name", connection="b"))(take)
    assert (app.routes[0].claim.name, app.routes[0].claim.connection) == ("name", other)


async def test_in_tests_it_is_read(connection):
    taken = []

    async def take(events):
        taken.extend(event.data for event in events)

    app = App(connections=[connection, AMQPConnection(url="memory://elsewhere")])
    app.route(["/x"], type=RouteTypes.SSE, once=True)(take)
    async with TestApp(app) as worker:
        await worker.feed("/x", "1")
        await worker.idle()
        assert taken == ["1"]


async def _lose(one):
    connection = one.locks.locks._link._connection.transport.connection
    await connection.close(ConnectionAbortedError("the operator closed it"))
