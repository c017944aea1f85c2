"""Handlers that yield events: what browsers, and asyncworker-sse, read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientPayloadError, web
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncworker import App, RouteTypes
from asyncworker import sse as sse_package
from asyncworker.http import SSEEvent
from asyncworker.http.streaming.event import written
from asyncworker.sse.decoder import Decoder

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


@dataclass
class Own:
    """An event of the user's own."""

    id: str
    name: str
    data: str


@pytest.fixture
def hasty(monkeypatch):
    """An app whose heartbeats a test can wait for."""
    monkeypatch.setenv("ASYNCWORKER_HTTP_HEARTBEAT_INTERVAL", "0.05")
    return App()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (SSEEvent("message", "a"), b"data: a\n\n"),
        (SSEEvent("", "a"), b"data: a\n\n"),
        (SSEEvent("order", "a"), b"event: order\ndata: a\n\n"),
        (SSEEvent("order", "a", "7"), b"id: 7\nevent: order\ndata: a\n\n"),
        (SSEEvent("message", ""), b"data: \n\n"),
        (SSEEvent("message", "a\nb\r\nc\rd\n"), b"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
        (SSEEvent("message", " a\x0b\u2028b"), "data:  a\x0b\u2028b\n\n".encode()),
        (SSEEvent("message", "", "é"), "id: é\ndata: \n\n".encode()),
        (sse_package.SSEEvent("order", "a", "7", "/route"), b"id: 7\nevent: order\ndata: a\n\n"),
        (Own("7", "order", "a"), b"id: 7\nevent: order\ndata: a\n\n"),
    ],
)
async def test_events_make_an_event_stream(app, serving, event, expected):
    @app.http.get("/")
    async def events():
        yield event

    async with serving(app) as client, client.get("/") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert await response.read() == expected


@settings(deadline=None)
@given(TEXT, LINE, LINE)
def test_whoever_follows_the_stream_gets_the_same_events(data, name, id_):
    [event] = Decoder().feed(written(SSEEvent(name, data, id_)))
    assert event.data == data.replace("\r\n", "\n").replace("\r", "\n")
    assert event.name == (name or "message")
    assert event.id == id_


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "yielded 'text' (str): yield str, bytes, or SSEEvents alone"),
        (b"octets", "yielded b'octets' (bytes): yield"),
        (None, "yielded None (NoneType): yield"),
        (SSEEvent, "(type): yield"),
        (SSEEvent("a", {"b": 1}), "an event whose data is {'b': 1} (dict): give it a str"),
        (SSEEvent("a", b"b"), "an event whose data is b'b' (bytes): give it a str"),
        (SSEEvent("a", "b", 7), "an event whose id is 7 (int): give it a str"),
        (SSEEvent(None, "b"), "an event whose name is None (NoneType): give it a str"),
        (SSEEvent("a\nb", ""), "an event whose name is 'a\\nb': it must be one line"),
        (SSEEvent("a", "", "1\r2"), "an event whose id is '1\\r2': it must be one line"),
        (SSEEvent("a", "", "1\0"), "an event whose id is '1\\x00': it must be one line"),
        (SSEEvent("a", "\ud800"), "an event that cannot be encoded: "),
    ],
)
async def test_what_is_no_event_cuts_the_stream_off_and_is_one_line(
    app, serving, logs, value, words
):
    @app.http.get("/")
    async def events():
        yield SSEEvent("message", "begun")
        yield value

    async with serving(app) as client, client.get("/") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
    [record] = logs.errors
    assert record.getMessage().startswith("GET /: handler ")
    assert words in record.getMessage()
    assert "\n" not in record.getMessage()


async def test_an_event_among_text_is_none(app, serving, logs):
    @app.http.get("/")
    async def events():
        yield "text"
        yield SSEEvent("message", "a")

    async with serving(app) as client, client.get("/") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
    assert "(SSEEvent): yield str, bytes, or SSEEvents alone" in logs.errors[0].getMessage()


async def test_a_client_that_comes_back_says_where_it_was(app, serving):
    @app.http.get("/")
    async def events(request: web.Request):
        begin = int(request.headers.get("Last-Event-ID", "0"))
        for number in range(begin + 1, 4):
            yield SSEEvent("message", f"{number}", f"{number}")

    headers = {"Last-Event-ID": "2"}
    async with serving(app) as client, client.get("/", headers=headers) as response:
        assert await response.text() == "id: 3\ndata: 3\n\n"


async def test_comments_are_sent_while_nothing_is_yielded(hasty, connect):
    go_on = asyncio.Event()

    @hasty.http.get("/")
    async def events():
        yield SSEEvent("message", "a")
        await go_on.wait()
        yield SSEEvent("message", "b")

    async with hasty.started():
        wire = await connect(hasty)
        wire.send(REQUEST)
        await wire.head()
        assert await wire.exactly(14) == b"9\r\ndata: a\n\n\r\n"
        for _ in range(3):
            assert await wire.exactly(8) == b"3\r\n:\n\n\r\n"
        go_on.set()
        assert (await wire.exactly(19)).replace(b"3\r\n:\n\n\r\n", b"").startswith(b"9\r\ndata: ")


@pytest.mark.parametrize("value", ["a", b"a"])
async def test_a_stream_of_text_has_none(hasty, connect, clock, value):
    end = asyncio.Event()

    @hasty.http.get("/")
    async def rows():
        yield value
        await end.wait()

    async with hasty.started():
        wire = await connect(hasty)
        wire.send(REQUEST)
        await wire.head()
        for _ in range(3):
            await clock.advance(0.06)
        end.set()
        assert await wire.exactly(11) == b"1\r\na\r\n0\r\n\r\n"


async def test_none_is_sent_to_a_client_that_does_not_read(hasty, connect, clock):
    transports = []
    entered = asyncio.Event()

    @hasty.http.get("/")
    async def events(request: web.Request):
        transports.append(request.transport)
        request.transport.set_write_buffer_limits(0)
        entered.set()
        yield SSEEvent("message", "x" * 50_000_000)

    async with hasty.started():
        wire = await connect(hasty)
        wire.writer.transport.pause_reading()
        wire.send(REQUEST)
        await entered.wait()
        await asyncio.sleep(0)
        size = transports[0].get_write_buffer_size()
        for _ in range(5):
            await clock.advance(0.06)
            assert transports[0].get_write_buffer_size() <= size
        wire.writer.transport.abort()


@pytest.mark.parametrize("iterator", [AsyncIterator[SSEEvent], AsyncGenerator[SSEEvent, None]])
async def test_a_stream_that_says_it_is_of_events_begins_without_one(hasty, connect, iterator):
    @hasty.http.get("/")
    async def events() -> iterator:
        await asyncio.Event().wait()
        yield SSEEvent("message", "never")

    @hasty.http.get("/unsaid")
    async def unsaid():
        await hasty.stopping
        yield SSEEvent("message", "late")

    async with hasty.started():
        wire, other = await connect(hasty), await connect(hasty)
        other.send(REQUEST.replace(b"/ ", b"/unsaid "))
        wire.send(REQUEST.replace(b"GET", b"HEAD"))
        assert "Content-Type: text/event-stream\r\n" in await wire.head()
        wire.send(REQUEST)
        assert "Content-Type: text/event-stream\r\n" in await wire.head()
        assert await wire.exactly(8) == b"3\r\n:\n\n\r\n"
    assert (await other.rest()).endswith("data: late\n\n\r\n0\r\n\r\n")


async def test_what_it_raises_before_it_begins_is_still_an_answer(app, serving):
    @app.http.get("/")
    async def events(user: str = "") -> AsyncIterator[SSEEvent]:
        if not user:
            raise web.HTTPForbidden
        yield SSEEvent("message", user)

    async with serving(app) as client:
        async with client.get("/") as response:
            assert response.status == 403
        async with client.get("/?user=ana") as response:
            assert await response.text() == "data: ana\n\n"


async def test_a_stream_of_no_event_at_all_is_one_too(app, serving):
    @app.http.get("/")
    async def events() -> AsyncIterator[SSEEvent]:
        for event in ():
            yield event

    async with serving(app) as client, client.get("/") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize("says", [False, True])
@pytest.mark.parametrize("yields_first", [False, True])
async def test_an_event_stream_ends_with_the_run_as_browsers_come_back(
    app, connect, logs, says, yields_first
):
    entered, ended = asyncio.Event(), asyncio.Event()

    async def events():
        try:
            if yields_first:
                yield SSEEvent("message", "a")
            entered.set()
            if not (says or yields_first):
                await app.stopping
                yield SSEEvent("message", "a")
            await asyncio.Event().wait()
        finally:
            ended.set()

    if says:
        events.__annotations__ = {"return": AsyncIterator[SSEEvent]}
    app.http.get("/")(events)
    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST)
        await entered.wait()
    assert ended.is_set()
    answer = await wire.rest()
    assert answer.startswith("HTTP/1.1 200 ")
    assert "Content-Type: text/event-stream\r\n" in answer
    assert answer.endswith("\r\n0\r\n\r\n")
    assert ("data: a\n\n" in answer) is (yields_first or not says)
    assert logs.errors == []


async def test_an_event_stream_that_nobody_resumes_has_the_time_of_the_drain(app, connect):
    @app.http.post("/")
    async def tell(question: dict):
        yield SSEEvent("message", "one")
        await app.stopping
        yield SSEEvent("message", "two")

    async with app.started():
        wire = await connect(app)
        body = b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + body)
        await wire.head()
    assert (await wire.rest()).endswith("data: two\n\n\r\n0\r\n\r\n")


async def test_what_it_does_when_it_is_ended_is_waited_for_and_not_sent(app, connect):
    saved = []

    @app.http.get("/")
    async def events():
        try:
            while True:
                yield SSEEvent("message", "a")
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            saved.append(True)
            yield SSEEvent("message", "goodbye")

    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST)
        await wire.head()
    assert saved == [True]
    assert "goodbye" not in await wire.rest()


async def test_this_project_follows_its_own_streams(app, limit):
    """A worker publishes events that another one consumes, and forwards."""
    received = []
    all_there = asyncio.Event()

    @app.http.get("/orders")
    async def orders():
        for number in range(3):
            yield SSEEvent("order", f'{{"number": {number}}}', f"{number}")
        await asyncio.Event().wait()

    async with app.started():
        follower = App(connections=[sse_package.SSEConnection(url=app.http.url)])

        @follower.route(["/orders"], type=RouteTypes.SSE)
        async def follow(events):
            received.extend(events)
            if len(received) == 3:
                all_there.set()

        async with follower.started(), asyncio.timeout(limit):
            await all_there.wait()
    assert [(event.name, event.body, event.id) for event in received] == [
        ("order", {"number": number}, f"{number}") for number in range(3)
    ]
