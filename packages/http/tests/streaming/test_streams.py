"""Handlers that yield their answers, and clients that read them."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from aiohttp import ClientPayloadError, web

from asyncworker import App, Options, RouteTypes
from asyncworker.errors import ConfigurationError, DrainTimeout

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"x" * 1_000_000


class Tap:
    """A generator that yields what the test puts in, and tells how it ended."""

    def __init__(self):
        self.values = asyncio.Queue()
        self.entered, self.closed = asyncio.Event(), asyncio.Event()
        self.ended_by = None

    async def __call__(self):
        self.entered.set()
        try:
            while True:
                yield await self.values.get()
        except BaseException as error:
            self.ended_by = type(error)
            raise
        finally:
            # Closing takes a moment, and is not interrupted.
            await asyncio.sleep(0)
            self.closed.set()

    def put(self, *values):
        for value in values:
            self.values.put_nowait(value)


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def tapped(app, tap):
    app.http.get("/")(tap)
    return app


@pytest.fixture
def closed(tap, limit):
    async def closed():
        async with asyncio.timeout(limit):
            await tap.closed.wait()

    return closed


@pytest.mark.parametrize(
    ("values", "content_type", "body"),
    [
        (["olá, ", "", "mundo"], "text/plain; charset=utf-8", "olá, mundo".encode()),
        ([b"\x00", b"\xff"], "application/octet-stream", b"\x00\xff"),
        ([bytearray(b"a"), memoryview(b"b")], "application/octet-stream", b"ab"),
        (["a", b"\xff"], "text/plain; charset=utf-8", b"a\xff"),
        ([b"\xff", "é"], "application/octet-stream", b"\xff\xc3\xa9"),
        ([], "text/plain; charset=utf-8", b""),
    ],
)
async def test_what_is_yielded_is_sent_and_the_first_value_says_what_it_is(
    app, serving, values, content_type, body
):
    @app.http.get("/")
    async def rows():
        for value in values:
            yield value

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert "Cache-Control" not in response.headers
        assert response.headers["Server"] == "asyncworker"
        assert await response.read() == body


async def test_each_value_is_there_before_the_next_one_is_made(tapped, tap, connect):
    async with tapped.started():
        wire = await connect(tapped)
        wire.send(REQUEST)
        await tap.entered.wait()
        for text in ("one", "two"):
            tap.put(text)
            if text == "one":
                assert (await wire.head()).startswith("HTTP/1.1 200 ")
            assert await wire.exactly(8) == b"3\r\n%s\r\n" % text.encode()
        wire.writer.transport.abort()


async def test_a_connection_is_used_again_after_a_stream(app, connect):
    @app.http.get("/")
    async def rows():
        yield "a"

    async with app.started():
        wire = await connect(app)
        for _ in range(2):
            wire.send(REQUEST)
            assert "keep-alive" not in await wire.head()
            assert await wire.exactly(11) == b"1\r\na\r\n0\r\n\r\n"


async def test_a_generator_has_typed_parameters(app, serving):
    @app.http.post("/{count}")
    async def repeat(count: int, words: list[str], app: App, sep: str = " "):
        assert app.http.url
        for _ in range(count):
            yield sep.join(words)

    async with serving(app) as client:
        async with client.post("/2?sep=-", json=["a", "b"]) as response:
            assert await response.text() == "a-ba-b"
        async with client.post("/two", json=["a"]) as response:
            assert response.status == 400
        async with client.post("/2", json=[1]) as response:
            assert response.status == 422


class Rows:
    async def __call__(self):
        yield "object"


async def say(word, request):
    yield word


@pytest.mark.parametrize(
    ("handler", "text"), [(Rows(), "object"), (partial(say, "partial"), "partial")]
)
async def test_objects_and_partials_may_yield_too(app, serving, handler, text):
    app.route(["/"], type=RouteTypes.HTTP)(handler)
    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == text


async def test_a_buffer_may_be_filled_again(tapped, connect):
    buffer = bytearray(1_000_000)

    @tapped.http.get("/buffer")
    async def fill():
        for letter in b"abc":
            buffer[:] = bytes([letter]) * len(buffer)
            yield buffer

    async with tapped.started():
        wire = await connect(tapped)
        wire.send(b"GET /buffer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = await wire.rest()
    assert [text.count(letter * 1000) for letter in "abc"] == [1000, 1000, 1000]


@pytest.mark.parametrize("declare", ["get", "head"])
async def test_head_gets_the_headers_and_does_not_run_the_body_to_its_end(app, connect, declare):
    ends = []

    @getattr(app.http, declare)("/")
    async def rows():
        try:
            yield b"first"
            ends.append("second")
            yield b"second"
        finally:
            ends.append("closed")

    async with app.started():
        wire = await connect(app)
        for _ in range(2):
            wire.send(REQUEST.replace(b"GET", b"HEAD"))
            head = await wire.head()
            assert head.startswith("HTTP/1.1 200 ")
            assert "Content-Type: application/octet-stream\r\n" in head
    assert ends == ["closed", "closed"]


async def test_a_client_of_http_1_0_gets_no_chunks(app, connect):
    @app.http.get("/")
    async def rows():
        yield "one"
        yield "two"

    async with app.started():
        wire = await connect(app)
        wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = (await wire.rest()).partition("\r\n\r\n")
    assert body == "onetwo"
    assert "Transfer-Encoding" not in head
    assert "keep-alive" not in head


UNANSWERABLE = [
    (3, "3 (int): yield str, bytes, or SSEEvents alone"),
    (None, "None (NoneType): yield str"),
    ({"a": 1}, "{'a': 1} (dict): yield str"),
    (("a", 200), "('a', 200) (tuple): yield str"),
    ("\ud800", "which cannot be encoded: "),
    (str, "(type): yield str"),
]


@pytest.mark.parametrize(("value", "words"), UNANSWERABLE)
async def test_a_first_value_that_cannot_be_sent_is_500_and_one_line(
    app, serving, logs, value, words
):
    closed = []

    @app.http.get("/")
    async def rows():
        try:
            yield value
        finally:
            closed.append(True)

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 500
        assert await response.json() == {"error": "internal server error"}
    [record] = logs.errors
    assert record.getMessage().startswith("GET /: handler ")
    assert " yielded " in record.getMessage()
    assert words in record.getMessage()
    assert "\n" not in record.getMessage()
    assert closed == [True]


@pytest.mark.parametrize(("value", "words"), UNANSWERABLE)
async def test_a_later_one_cuts_the_answer_off(app, serving, logs, value, words):
    @app.http.get("/")
    async def rows():
        yield "begun"
        yield value

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 200
        with pytest.raises(ClientPayloadError):
            await response.read()
    [record] = logs.errors
    assert words in record.getMessage()


class Broken(BaseException):
    """What no library expects."""


ERRORS = [
    ValueError("private"),
    TimeoutError("private"),
    ConnectionResetError("private"),
    asyncio.CancelledError("private"),
    KeyboardInterrupt("private"),
    SystemExit("private"),
    Broken("private"),
    ExceptionGroup("private", [ValueError()]),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
async def test_what_is_raised_before_the_first_value_is_500(app, serving, logs, error):
    @app.http.get("/")
    async def rows():
        if error:
            raise error
        yield ""

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 500
        assert await response.json() == {"error": "internal server error"}
    [record] = logs.errors
    assert record.getMessage().startswith("GET /: handler ")
    assert record.exc_info[1] is error
    assert record.exc_info[2].tb_frame.f_code is rows.__code__


@pytest.mark.parametrize("error", [*ERRORS, web.HTTPNotFound()], ids=repr)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_what_is_raised_later_cuts_the_answer_off_and_is_logged_once(
    app, connect, logs, error, version
):
    @app.http.get("/")
    async def rows():
        yield "begun"
        raise error

    async with app.started():
        wire = await connect(app)
        wire.send(f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        if version == "1.1":
            text = await wire.rest()
            assert text.endswith("\r\n\r\n5\r\nbegun\r\n")
        else:
            with pytest.raises(ConnectionResetError):
                while True:
                    await wire.exactly(1)
    [record] = logs.errors
    assert record.getMessage().startswith("GET /: handler ")
    assert record.exc_info[2].tb_frame.f_code is rows.__code__


async def test_an_http_exception_before_the_first_value_is_the_answer(app, serving, logs):
    @app.http.get("/{name}")
    async def rows(name: str):
        if name != "known":
            raise web.HTTPNotFound(text="no such table")
        yield "a"

    async with serving(app) as client, client.get("/x") as response:
        assert (response.status, await response.text()) == (404, "no such table")
    assert logs.errors == []


async def test_what_fails_while_it_is_closed_is_logged(app, serving, logs):
    @app.http.get("/")
    async def rows():
        try:
            yield "a"
            yield 1
        finally:
            raise KeyError("closing")

    async with serving(app) as client, client.get("/") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
    [record] = logs.errors
    assert "raised KeyError('closing')" in record.getMessage()


@pytest.mark.parametrize("begins", [False, True])
async def test_the_time_limit_is_that_of_the_whole_stream(app, serving, logs, begins):
    ends = []

    @app.http.get("/", options={Options.TIMEOUT: 0.1})
    async def rows():
        try:
            while True:
                await asyncio.sleep(0.01 if begins else 1000)
                yield "a"
        finally:
            ends.append("closed")

    async with serving(app) as client, client.get("/") as response:
        if begins:
            with pytest.raises(ClientPayloadError):
                await response.read()
        else:
            assert (response.status, await response.json()) == (504, {"error": "gateway timeout"})
    assert ends == ["closed"]
    [record] = logs.errors
    assert "raised HandlerTimeout('it took longer than 0.1 s (Options.TIMEOUT)" in (
        record.getMessage()
    )


async def test_a_stream_that_ignores_its_time_limit_is_abandoned(app, serving, logs, monkeypatch):
    monkeypatch.setattr("asyncworker.handling.time_limit.CANCEL_GRACE", 0.01)
    leave, left = asyncio.Event(), asyncio.Event()

    @app.http.get("/", options={Options.TIMEOUT: 0.01})
    async def deaf():
        while not leave.is_set():
            with suppress(asyncio.CancelledError):
                await leave.wait()
        try:
            yield "too late"
        finally:
            left.set()

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 504
        assert logs.matching("deaf ignores its cancellation and is abandoned")
        leave.set()
        await left.wait()


async def test_what_a_task_group_and_a_limit_are_around_is_one_task(app, serving):
    @app.http.get("/")
    async def rows():
        queue = asyncio.Queue()
        async with asyncio.timeout(100), asyncio.TaskGroup() as group:
            task = asyncio.current_task()
            for number in range(3):
                group.create_task(queue.put(f"{number},"))
            for _ in range(3):
                yield await queue.get()
                assert asyncio.current_task() is task

    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == "0,1,2,"


async def test_a_slow_reader_holds_the_generator_up(app, connect):
    made = []
    stalled = asyncio.Event()

    @app.http.get("/")
    async def rows(request: web.Request):
        request.transport.set_write_buffer_limits(1000)
        for number in range(1000):
            made.append(number)
            asyncio.get_running_loop().call_later(0.2, check, number)
            yield LARGE

    def check(number):
        if made[-1] == number:
            stalled.set()

    async with app.started():
        wire = await connect(app)
        wire.writer.transport.pause_reading()
        wire.send(REQUEST)
        await stalled.wait()
        count = len(made)
        assert count < 50
        wire.writer.transport.resume_reading()
        while len(made) == count:
            await wire.exactly(1_000_000)
        wire.writer.transport.abort()


async def test_a_client_that_does_not_read_is_cut_off_and_the_generator_closed(
    monkeypatch, tap, closed, connect, logs
):
    monkeypatch.setenv("ASYNCWORKER_HTTP_ANSWER_TIMEOUT", "0.2")
    app = App()
    app.http.get("/")(tap)
    tap.put(*[LARGE] * 50)
    async with app.started():
        wire = await connect(app)
        wire.writer.transport.pause_reading()
        wire.send(REQUEST)
        await logs.wait("cut off 1 client, too slow")
        await closed()
    assert tap.ended_by is GeneratorExit
    assert len(logs.errors) == 0


@pytest.mark.parametrize("values", [0, 1])
async def test_a_client_that_leaves_ends_a_generator_that_waits(
    tapped, tap, closed, connect, logs, values
):
    tap.put(*["a"] * values)
    async with tapped.started():
        wire = await connect(tapped)
        wire.send(REQUEST)
        await tap.entered.wait()
        if values:
            await wire.head()
        wire.writer.transport.abort()
        await closed()
        assert tap.ended_by is asyncio.CancelledError
    assert logs.errors == []


async def test_a_client_that_leaves_ends_a_generator_that_is_held_up(
    tapped, tap, closed, connect, logs
):
    tap.put(*[LARGE] * 50)
    async with tapped.started():
        wire = await connect(tapped)
        wire.writer.transport.pause_reading()
        wire.send(REQUEST)
        await tap.entered.wait()
        await asyncio.sleep(0)
        wire.writer.transport.abort()
        await closed()
        assert tap.ended_by is GeneratorExit
    assert logs.errors == []


async def test_what_fails_when_the_client_has_left_is_logged(app, connect, logs):
    entered = asyncio.Event()

    @app.http.get("/")
    async def rows():
        try:
            entered.set()
            await asyncio.Event().wait()
            yield ""
        finally:
            raise KeyError("closing")

    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST)
        await entered.wait()
        wire.writer.transport.abort()
        await logs.wait("raised KeyError('closing')")
    assert len(logs.errors) == 1


async def test_a_generator_that_goes_on_after_its_client_left_yields_no_more(app, connect, limit):
    entered, closed = asyncio.Event(), asyncio.Event()
    yielded = []

    @app.http.get("/")
    async def rows():
        entered.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            while True:
                yielded.append(1)
                yield "a"
        finally:
            closed.set()

    async with app.started(), asyncio.timeout(limit):
        wire = await connect(app)
        wire.send(REQUEST)
        await entered.wait()
        wire.writer.transport.abort()
        await closed.wait()
    assert yielded == [1]


async def test_a_stream_has_the_time_of_the_drain(tapped, connect):
    ended = asyncio.Event()

    @tapped.http.get("/finite")
    async def finite():
        yield "first"
        await tapped.stopping
        yield "last"
        ended.set()

    async with tapped.started():
        wire = await connect(tapped)
        wire.send(REQUEST.replace(b"/ ", b"/finite "))
        await wire.head()
    assert ended.is_set()
    assert (await wire.rest()).endswith("5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n")


async def test_a_stream_that_does_not_end_is_cut_off_at_the_deadline(
    monkeypatch, tap, closed, connect
):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.1")
    app = App()
    app.http.get("/")(tap)
    tap.put("begun")
    with pytest.raises(DrainTimeout):
        async with app.started():
            wire = await connect(app)
            wire.send(REQUEST)
            await wire.head()
    await closed()
    assert tap.ended_by is asyncio.CancelledError
    assert (await wire.rest()).endswith("5\r\nbegun\r\n")


@pytest.mark.parametrize("turns", range(0, 30, 2))
async def test_leaves_no_task_behind_whenever_clients_leave(tapped, tap, connect, turns):
    before = asyncio.all_tasks()
    tap.put(*["a"] * 5)
    async with tapped.started():
        wires = [await connect(tapped) for _ in range(5)]
        for wire in wires:
            wire.send(REQUEST)
        for _ in range(turns):
            await asyncio.sleep(0)
        for wire in wires:
            wire.writer.transport.abort()
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


def test_what_yields_in_a_thread_is_told_how_to_stream(app):
    def lines():
        yield "line"

    with pytest.raises(ConfigurationError) as caught:
        app.http.get("/")(lines)
    assert str(caught.value).endswith("lines is not async: it yields, so define it with async def")


async def test_nothing_but_http_takes_what_yields(app):
    for wrong in (Rows(), say):
        with pytest.raises(ConfigurationError, match="it yields, which a handler must not"):
            app.run_every(1)(wrong)
