"""The place in an event stream, kept over restarts."""

import asyncio
import json

import pytest

from asyncworker import App, FileCursor, Options, Pause, RouteTypes
from asyncworker.errors import ConfigurationError, DrainTimeout
from asyncworker.sse import SSEConnection


class Reader:
    """A handler that notes what it reads, and waits or fails as it is told."""

    def __init__(self):
        self.handled = []
        self.waiting = set()
        self.failing = set()
        self.go_on = asyncio.Event()
        self._changed = asyncio.Event()

    async def __call__(self, events):
        for event in events:
            if event.data in self.waiting:
                await self.go_on.wait()
            if event.data in self.failing:
                raise LookupError(event.data)
        self.handled += [event.data for event in events]
        self._changed.set()

    async def until(self, limit, *events):
        async with asyncio.timeout(limit):
            while not set(events) <= set(self.handled):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def reader():
    return Reader()


def events(*numbers):
    return "".join(f"id: {number}\ndata: {number}\n\n" for number in numbers).encode()


def served(app, reader, cursor, **options):
    given = {Options[name]: one for name, one in options.items()}
    app.route(["/x"], type=RouteTypes.SSE, options=given, cursor=cursor)(reader)


async def test_a_stream_goes_on_behind_what_was_handled(app, server, reader, limit, tmp_path):
    path = tmp_path / "place"
    served(app, reader, FileCursor(path))
    async with app.started():
        stream = await server.stream()
        assert "Last-Event-ID" not in stream.headers
        await stream.send(events(1, 2))
        await reader.until(limit, "1", "2")
    assert json.loads(path.read_text()) == "2"
    async with app.started():
        stream = await server.stream()
        assert stream.headers["Last-Event-ID"] == "2"
        # One that has no id has the one before it.
        await stream.send(b"data: none\n\n" + events(3))
        await reader.until(limit, "none", "3")
    assert json.loads(path.read_text()) == "3"


async def test_what_a_handler_is_at_is_not_behind_it(server, reader, limit, tmp_path, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.05")
    app = App(connections=[SSEConnection(server.url)])
    path = tmp_path / "place"
    reader.waiting = {"2"}
    served(app, reader, FileCursor(path), MAX_CONCURRENCY=4)
    with pytest.raises(DrainTimeout):
        async with app.started():
            await (await server.stream()).send(events(1, 2, 3))
            await reader.until(limit, "1", "3")
    assert json.loads(path.read_text()) == "1"


async def test_what_failed_or_is_left_out_is_behind_it(app, server, reader, limit, tmp_path):
    path = tmp_path / "place"
    reader.failing = {"2"}
    served(app, reader, FileCursor(path), ORDER_BY=lambda event: {"3": []}.get(event.data))
    async with app.started():
        await (await server.stream()).send(events(1, 2, 3, 4))
        await reader.until(limit, "1", "4")
    assert reader.handled == ["1", "4"]
    assert json.loads(path.read_text()) == "4"


async def test_what_waits_for_a_pause_is_not_behind_it(app, server, limit, tmp_path, logs):
    path = tmp_path / "place"
    saved = asyncio.Event()

    class Cursor(FileCursor):
        async def save(self, place, /):
            await super().save(place)
            saved.set()

    async def handler(events):
        if events[0].data == "2":
            raise Pause(200)

    served(app, handler, Cursor(path))
    async with app.started():
        await (await server.stream()).send(events(1, 2, 3))
        await logs.wait("paused for 200 s")
        async with asyncio.timeout(limit):
            await saved.wait()
        assert json.loads(path.read_text()) == "1"


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_what_ends_by_itself_is_behind_it(app, server, limit, tmp_path, error):
    path, done = tmp_path / "place", asyncio.Event()

    async def handler(events):
        if events[0].data == "2":
            raise error
        if events[0].data == "3":
            done.set()

    served(app, handler, FileCursor(path))
    async with app.started():
        await (await server.stream()).send(events(1, 2, 3))
        async with asyncio.timeout(limit):
            await done.wait()
    assert json.loads(path.read_text()) == "3"


async def test_what_a_pause_keeps_at_the_end_comes_again(app, server, tmp_path, logs):
    path, asked = tmp_path / "place", []

    async def handler(events):
        asked.append(events[0].data)
        if events[0].data != "1":
            raise Pause(200)

    served(app, handler, FileCursor(path))
    async with app.started():
        await (await server.stream()).send(events(1, 2, 3, 4))
        await logs.wait("paused for 200 s")
    assert asked == ["1", "2"]
    assert json.loads(path.read_text()) == "1"


async def test_an_id_that_no_request_can_say_is_no_place(app, server, reader, limit, tmp_path):
    path = tmp_path / "place"
    served(app, reader, FileCursor(path))
    async with app.started():
        await (await server.stream()).send(events(1) + b"id: " + b"x" * 10_000 + b"\ndata: 2\n\n")
        await reader.until(limit, "1", "2")
    assert json.loads(path.read_text()) == "1"


async def test_nothing_is_read_before_the_place_is_known(app, server, reader, tmp_path, logs):
    path = tmp_path / "place"
    path.write_text("7\n")
    served(app, reader, FileCursor(path))
    async with app.started():
        await logs.wait("nothing is read before its place is loaded: ValueError")
        assert server.count == 0
        path.write_text('"7"')
        assert (await server.stream()).headers["Last-Event-ID"] == "7"


def test_a_cursor_is_of_one_stream():
    app = App(connections=[SSEConnection("http://127.0.0.1")])
    with pytest.raises(ConfigurationError, match="and the route reads 2: write a route for each"):
        app.route(["/x", "/y"], type=RouteTypes.SSE, cursor=FileCursor("x"))(Reader())
    with pytest.raises(ConfigurationError, match="cursor must be a FileCursor, or an object with"):
        app.route(["/x"], type=RouteTypes.SSE, cursor="x")(Reader())
