"""Streams, read from a place on, on any path."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from asyncworker import Breaker, Events, FileCursor, Options, RouteTypes
from asyncworker.rabbitmq import Queue, Retry
from asyncworker.rabbitmq.streams.offset import offset_of

pytestmark = pytest.mark.usefixtures("path")


class Reader:
    """A handler that notes what it reads, and fails as it is told."""

    def __init__(self):
        self.read = []
        """The offset of each message that was handled, in that order."""
        self.failing = {}
        """How often each offset fails."""
        self.waiting = set()
        """Offsets whose handlers wait to be told to go on."""
        self.go_on = asyncio.Event()
        self.last = None
        self._changed = asyncio.Event()

    async def __call__(self, messages):
        self.last = messages[-1]
        for message in messages:
            if message.offset in self.waiting:
                self._changed.set()
                await self.go_on.wait()
            if self.failing.get(message.offset, 0) > 0:
                self.failing[message.offset] -= 1
                self._changed.set()
                raise ConnectionError("no answer")
        self.read += [message.offset for message in messages]
        self._changed.set()

    async def until(self, condition, limit):
        async with asyncio.timeout(limit):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_read(self, limit, *offsets):
        await self.until(lambda: set(offsets) <= set(self.read), limit)

    async def lose_channel(self):
        await self.last.channel._channel.underlay.close()


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
async def stream(declare):
    return await declare(**{"x-queue-type": "stream"})


def bodies(count, first=0):
    return [json.dumps(number).encode() for number in range(first, first + count)]


def read(app, stream, reader, *, offset="first", cursor=None, **options):
    given = {getattr(Options, name, None) or Events[name]: one for name, one in options.items()}
    said = {"offset": offset, "cursor": cursor}
    app.route([stream], type=RouteTypes.AMQP_RABBITMQ, options=given, **said)(reader)


async def test_each_message_tells_its_offset(app, stream, reader, publish, limit):
    await publish(stream, *bodies(20))
    read(app, stream, reader)
    async with app.started():
        await reader.until_read(limit, 19)
        assert reader.read == list(range(20))
        assert reader.last.body == 19
        assert reader.last.headers["x-stream-offset"] == 19
        assert not reader.last.redelivered


async def test_what_was_read_stays(app, stream, reader, publish, limit):
    await publish(stream, *bodies(20))
    read(app, stream, reader)
    for run in (1, 2):
        async with app.started():
            await reader.until(lambda: reader.read.count(19) == run, limit)  # noqa: B023
    assert reader.read == [*range(20), *range(20)]


@pytest.mark.parametrize(
    ("offset", "first"),
    [
        (7, 7),
        (timedelta(hours=1), 0),
        (datetime.now(UTC) - timedelta(hours=1), 0),
    ],
)
async def test_begins_where_it_is_told(app, stream, reader, publish, limit, offset, first):
    await publish(stream, *bodies(10))
    read(app, stream, reader, offset=offset)
    async with app.started():
        await reader.until_read(limit, 9)
    assert reader.read == list(range(first, 10))


@pytest.mark.parametrize("offset", ["next", "last", timedelta(seconds=1), 3])
async def test_reads_what_comes(app, stream, reader, publish, limit, logs, offset):
    read(app, stream, reader, offset=offset)
    async with app.started():
        await logs.wait("consuming")
        await publish(stream, *bodies(5))
        await reader.until_read(limit, 4)
    assert reader.read == list(range(3 if offset == 3 else 0, 5))


async def test_next_is_what_is_published_from_the_start_on(
    app, stream, reader, publish, limit, logs
):
    await publish(stream, *bodies(3))
    read(app, stream, reader, offset="next")
    async with app.started():
        await logs.wait("consuming")
        await publish(stream, *bodies(2))
        await reader.until_read(limit, 4)
    assert reader.read == [3, 4]


async def test_goes_on_behind_what_was_handled_in_order(app, stream, reader, publish, limit, logs):
    await publish(stream, *bodies(10))
    reader.waiting = {4}
    read(app, stream, reader, offset=1)
    async with app.started():
        await reader.until_read(limit, 1, 2, 3, 5, 6, 7, 8, 9)
        await reader.lose_channel()
        await logs.wait("consuming", count=2)
        await publish(stream, *bodies(3))
        await reader.until_read(limit, 12)
        reader.go_on.set()
        await reader.until_read(limit, 4)
        # Its handler outlived the channel: nobody can say whether its outcome is known.
        await reader.until(lambda: reader.read.count(4) == 2, limit)
    assert sorted(reader.read) == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("offset", ["next", "last"])
async def test_misses_nothing_that_came_before_its_first_message(
    app, stream, reader, publish, limit, logs, offset, admin, connection
):
    read(app, stream, reader, offset=offset)
    async with app.started():
        await logs.wait("consuming")
        consumer = app_consumer(connection)
        await consumer._channel._channel.underlay.close()
        await publish(stream, *bodies(3))
        await reader.until_read(limit, 0, 1, 2)


def app_consumer(connection):
    """Find what consumes."""
    import gc

    from asyncworker.rabbitmq.consuming.consumer import RouteConsumer

    (found,) = [
        one
        for one in gc.get_objects()
        if isinstance(one, RouteConsumer) and one._route.connection is connection
    ]
    return found


@pytest.mark.parametrize("policy", [None, Retry(attempts=4, delay=0.01)])
async def test_what_fails_is_handled_again_here(app, stream, reader, publish, limit, policy):
    await publish(stream, *bodies(10))
    reader.failing = {4: 2}
    read(app, stream, reader, **({} if policy is None else {"ON_EXCEPTION": policy}))
    async with app.started():
        await reader.until_read(limit, *range(10))
    assert sorted(reader.read) == list(range(10))


async def test_what_fails_too_often_is_passed_over(app, stream, reader, publish, limit, logs):
    await publish(stream, *bodies(10))
    reader.failing = {4: 9}
    read(app, stream, reader, ON_EXCEPTION=Retry(attempts=3, delay=0.01))
    async with app.started():
        await logs.wait("gave up on 1 message after 3 attempts: reject")
        await reader.until_read(limit, *{*range(10)} - {4})
    assert reader.failing == {4: 6}


async def test_attempts_know_their_offset(app, stream, publish, limit):
    seen = asyncio.Queue()

    @app.route([stream], type=RouteTypes.AMQP_RABBITMQ, offset="first")
    async def handler(messages):
        (message,) = messages
        seen.put_nowait((message.offset, message.attempt))
        if message.attempt < 3:
            message.retry(0.01)

    await publish(stream, *bodies(1))
    async with app.started(), asyncio.timeout(limit):
        assert [await seen.get() for _ in range(3)] == [(0, 1), (0, 2), (0, 3)]


async def test_what_cannot_be_decoded_is_passed_over(app, stream, reader, publish, limit, logs):
    await publish(stream, b"1", b"{", b"2", b"{", content_type="application/json")
    read(app, stream, reader)
    async with app.started():
        await reader.until_read(limit, 0, 2)
        await logs.wait("rejected a message whose body is no JSON", count=2)
        await reader.lose_channel()
        await publish(stream, *bodies(1))
        await reader.until_read(limit, 4)
    assert reader.read == [0, 2, 4]


async def test_a_route_that_pauses_goes_on_from_its_place(
    app, stream, reader, publish, limit, logs
):
    await publish(stream, *bodies(30))
    reader.failing = {4: 2}
    read(app, stream, reader, BREAKER=Breaker(failures=1, of=1, pause=0.05))
    async with app.started():
        await logs.wait("paused for 0.1 s")
        await reader.until_read(limit, *range(30))
    assert sorted(reader.read) == list(range(30))


async def test_a_cursor_keeps_the_place(app, stream, reader, publish, limit, tmp_path):
    await publish(stream, *bodies(10))
    path = tmp_path / "place"
    reader.waiting = {7}
    read(app, stream, reader, cursor=FileCursor(path), MAX_CONCURRENCY=4)
    async with app.started():
        await reader.until_read(limit, *range(7), 8, 9)
        reader.failing = {7: 1000}
        reader.go_on.set()
        await reader.until(lambda: reader.failing[7] < 1000, limit)
    # It is not handled, and so the place is before it.
    assert json.loads(path.read_text()) == 6
    reader.failing = {}
    async with app.started():
        await reader.until_read(limit, 7)
        await publish(stream, *bodies(1))
        await reader.until_read(limit, 10)
    assert json.loads(path.read_text()) == 10
    assert sorted(reader.read) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9, 10]


async def test_a_cursor_that_fails_is_asked_again(app, stream, reader, publish, limit, logs):
    class Cursor:
        def __init__(self):
            self.refuses = 2
            self.place = 2

        def __repr__(self):
            return "Cursor()"

        async def load(self):
            self._fail()
            return self.place

        async def save(self, place):
            self._fail()
            self.place = place

        def _fail(self):
            if self.refuses:
                self.refuses -= 1
                raise ConnectionError("no database")

    cursor = Cursor()
    await publish(stream, *bodies(5))
    read(app, stream, reader, cursor=cursor)
    async with app.started():
        await logs.wait("nothing is read before its place is loaded: ConnectionError")
        assert any("Cursor(): nothing is read" in problem for problem in app.problems)
        await reader.until_read(limit, 3, 4)
        await logs.wait("the place is kept again")
        cursor.refuses = 1
        await publish(stream, *bodies(1))
        await logs.wait("the place is not saved: ConnectionError('no database'); trying again")
        await logs.wait("the place is kept again", count=2)
        assert app.problems == []
    assert cursor.place == 5
    assert reader.read == [3, 4, 5]


@pytest.mark.parametrize("body", [b"1", b"{"])
async def test_a_stream_that_nobody_calls_one_is_told(
    app, stream, queue, publish, logs, inbox, body
):
    given = []

    @app.route([queue, stream], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        given.append(messages[0].queue)
        raise ConnectionError("no answer")

    app.route(["innocent"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait(f"queue {stream!r}, vhost '/': consuming")
        await publish(queue, *bodies(3))
        await publish(stream, body, body, content_type="application/json")
        await logs.wait("it is a stream: say offset= on the route, where to begin")
    # Nothing was rejected, which ends the connection, or settled without having been handled.
    assert stream not in given
    assert len(logs.matching("connected to")) == 1


async def test_a_message_may_look_like_one_of_a_stream(app, queue, publish, logs, inbox):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, b"1", headers={"x-stream-offset": 7})
        await publish(queue, b"2")
        assert await inbox.bodies(2) == [1, 2]
        await publish(queue, b"3", headers={"x-stream-offset": 7})
        assert await inbox.bodies(1) == [3]
    assert len(logs.matching("may be a stream")) == 1


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_what_ends_by_itself_amid_a_pause_is_handled_again(
    app, stream, publish, limit, logs, error
):
    begun, release, read = asyncio.Event(), asyncio.Event(), []
    done = asyncio.Event()

    @app.route([stream], type=RouteTypes.AMQP_RABBITMQ, offset="first")
    async def handler(messages):
        (message,) = messages
        if message.offset == 2 and not begun.is_set():
            begun.set()
            await release.wait()
            raise error
        read.append(message.offset)
        if set(read) == set(range(8)):
            done.set()

    await publish(stream, *bodies(8))
    async with app.started(), asyncio.timeout(limit):
        await begun.wait()
        app.pause(handler)
        release.set()
        await logs.wait(f"raised {error.__name__}")
        app.resume(handler)
        await done.wait()
    assert set(read) == set(range(8))


async def test_a_stream_that_is_declared_anew_begins_anew(app, reader, limit, admin, logs):
    stream = Queue("test-anew", type="stream")
    read(app, stream, reader)
    try:
        async with app.started():
            connection = app.connections.all[0]
            for number in range(5):
                await connection.put(number, "test-anew")
            await reader.until_read(limit, 4)
            await reader.lose_channel()
            await admin.queue_delete("test-anew")
            reader.read.clear()
            await logs.wait("consuming", count=2)
            for number in range(3):
                await connection.put(number, "test-anew")
            await reader.until_read(limit, 0, 1, 2)
    finally:
        await admin.queue_delete("test-anew")


async def test_a_queue_that_is_no_stream_is_told(app, queue, reader, logs):
    read(app, queue, reader)
    async with app.started():
        await logs.wait("invalid arg 'x-stream-offset'")


async def test_a_stream_is_declared(app, reader, limit, admin, logs):
    stream = Queue("test-visits", type="stream", max_age=3600, max_bytes=10_000_000)
    read(app, stream, reader, offset=None)
    try:
        async with app.started():
            await logs.wait("consuming")
            await app.connections.all[0].put(1, "test-visits")
            await reader.until_read(limit, 0)
    finally:
        await admin.queue_delete("test-visits")


def test_tells_only_an_offset():
    assert offset_of(b"\0\0") is None
    assert offset_of(b"\x20\0\0\0\0\x13\x0fx-stream-offsetS") is None
