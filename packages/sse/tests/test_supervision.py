"""What goes wrong with streams, and what is done about it."""

import asyncio
import socket

import pytest
from aiohttp import InvalidURL

from asyncworker import App, RouteTypes
from asyncworker.backoff import Backoff
from asyncworker.sse import SSEConnection, client
from asyncworker.sse.decoder import Decoder
from asyncworker.sse.errors import reason_of, stream_errors

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def app_for(url, handler, path="/x", **options):
    app = App(connections=[SSEConnection(url, **options)])
    app.route([path], type=RouteTypes.SSE)(handler)
    return app


def now():
    return asyncio.get_running_loop().time()


@pytest.fixture
def backoffs(monkeypatch):
    """The backoffs that clients make, with a note of each delay and reset."""

    class Noted(Backoff):
        def __init__(self, first, limit):
            super().__init__(first, limit)
            self.limits = (first, limit)
            self.notes = []
            backoffs.append(self)

        def delay(self):
            self.notes.append("delay")
            return super().delay()

        def reset(self):
            self.notes.append("reset")
            super().reset()

    backoffs = []
    monkeypatch.setattr("asyncworker.sse.client.Backoff", Noted)
    return backoffs


async def test_resumes_after_the_last_event_id(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send("id: é7\ndata: 1\n\nid: 8\ndata: unfinished\n".encode())
        await stream.end()
        again = await server.stream()
        # As bytes of UTF-8, which the server shows in its own way.
        sent = again.headers["Last-Event-ID"].encode("utf-8", "surrogateescape")
        assert "é7".encode() == sent
        await again.end()
        assert sent == (await server.stream()).headers["Last-Event-ID"].encode(
            "utf-8", "surrogateescape"
        )
    assert ["1"] == await inbox.data(1)


async def test_an_empty_id_ends_the_resuming(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"id: 7\ndata: 1\n\nid\ndata: 2\n\n")
        await stream.end()
        assert "Last-Event-ID" not in (await server.stream()).headers


async def test_starts_after_the_id_that_the_user_knows(server, inbox):
    app = app_for(server.url, inbox, headers={"last-event-id": "41"})
    async with app.started():
        stream = await server.stream()
        assert "41" == stream.headers["Last-Event-ID"]
        await stream.send(b"id: 42\ndata: 1\n\n")
        await stream.end()
        assert ["42"] == (await server.stream()).headers.getall("Last-Event-ID")


async def test_an_id_that_no_header_can_hold_is_not_sent(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"id: a\x01b\ndata: 1\n\n")
        await stream.end()
        assert "Last-Event-ID" not in (await server.stream()).headers
        assert ["a\x01b"] == [event.id for event in await inbox.batch()]


@pytest.mark.parametrize("unfit", [b"x" * 4097, b"x" * 100_000, b"a\x01b"])
async def test_goes_on_after_the_last_id_that_a_header_can_hold(app, server, inbox, unfit):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"id: 7\ndata: 1\n\n")
        assert ["1"] == await inbox.data(1)
        await stream.send(b"id: " + unfit + b"\ndata: 2\n\n")
        assert [unfit.decode()] == [event.id for event in await inbox.batch()]
        await stream.end()
        again = await server.stream()
        assert "7" == again.headers["Last-Event-ID"]
        await again.send(b"id: " + b"y" * 4096 + b"\ndata: 3\n\n")
        await again.end()
        assert "y" * 4096 == (await server.stream()).headers["Last-Event-ID"]


@pytest.mark.parametrize("end", ["end", "drop"])
async def test_reconnects_for_ever(app, server, inbox, end):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        for number in range(10):
            stream = await server.stream()
            await stream.send(b"data: %d\n\n" % number)
            assert [str(number)] == await inbox.data(1)
            if end == "end":
                await stream.end()
            else:
                stream.drop()


async def test_says_once_what_is_wrong_and_when_it_is_over(app, server, inbox, logs, connection):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        first = await server.accept()
        subject = f"handler Inbox, stream {server.url}/x"
        assert [f"{subject}: not connected yet"] == app.problems
        first.respond(500)
        for _ in range(3):
            (await server.accept()).respond(500)
        last = await server.accept()
        assert [f"{subject}: the server answered 500 Internal Server Error"] == app.problems
        await last.start()
        await logs.wait(f"{subject}: connected")
        assert {} == connection.problems
        assert 1 == len(logs.matching("500"))
        assert "WARNING" == logs.matching("500")[0].levelname
        await last.end()
        assert "INFO" == (await logs.wait("the server ended the stream")).levelname


@pytest.mark.parametrize("status", [201, 301, 304, 400, 429, 503])
async def test_any_other_status_is_logged_in_one_line_and_retried(app, server, inbox, logs, status):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        (await server.accept()).respond(status)
        await (await server.stream()).send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
    (record,) = [one for one in logs.records if one.levelname == "WARNING"]
    assert str(status) in record.getMessage()
    assert "\n" not in record.getMessage()
    assert record.exc_info is None


async def test_204_ends_that_stream_for_good_and_says_so(server, inbox, logs):
    app = App(connections=[SSEConnection(server.url)])
    app.route(["/over"], type=RouteTypes.SSE)(inbox)
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        for _ in range(2):
            stream = await server.accept()
            if stream.request.path == "/over":
                stream.respond(204)
            else:
                other = await stream.start()
        record = await logs.wait("/over: the server answered 204: this stream is over")
        await other.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
        await other.end()
        assert "/x" == (await server.stream()).request.path
        await logs.wait("/x: connected", 2)
        assert [] == app.problems
    assert "WARNING" == record.levelname
    assert 3 == server.count


@pytest.mark.parametrize(
    "content_type", ["text/event-stream-x", "text/event-stream,x", "application/json"]
)
async def test_a_wrong_content_type_is_retried(app, server, inbox, logs, content_type):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        wrong = await (await server.accept()).start(content_type)
        await wrong.send(b"data: wrong\n\n")
        await logs.wait(f"content type {content_type!r}, which is not text/event-stream")
        await (await server.stream()).send(b"data: right\n\n")
        assert ["right"] == await inbox.data(1)


@pytest.mark.parametrize("content_type", ["TEXT/Event-Stream ; x=y", "text/event-stream;"])
async def test_parameters_and_case_of_the_content_type_do_not_matter(
    app, server, inbox, content_type
):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await (await server.accept()).start(content_type)).send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)


async def test_a_dead_host_is_logged_in_one_line_and_retried_until_it_lives(
    inbox, logs, serve, raw, limit
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = app_for(f"http://me:s3cret@127.0.0.1:{port}", inbox, path="/x?token=s3cret")
    async with app.started():
        record = await logs.wait("trying again")
        assert f"stream http://127.0.0.1:{port}/x?...: " in record.getMessage()
        assert "Connect call failed" in record.getMessage()
        (problem,) = app.problems
        assert problem in record.getMessage()
    assert not logs.matching("s3cret")
    assert not logs.matching("\n")


async def test_an_unknown_host_is_logged_and_retried(inbox, logs):
    app = app_for("http://no-such-host.invalid", inbox)
    async with app.started():
        assert "no-such-host.invalid" in (await logs.wait("trying again")).getMessage()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\n\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        STREAM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        STREAM + b"Content-Length: 100\r\n\r\nda",
        STREAM + b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\nnot it",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a:99999/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://a/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 70 + b".\xc3\xa9\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_nonsense_is_logged_in_one_line_and_retried(raw, inbox, logs, garbage):
    connected = 0

    async def answer(reader, writer):
        nonlocal connected
        connected += 1
        await reader.readuntil(b"\r\n\r\n")
        if connected > 2:
            writer.write(STREAM + b"\r\ndata: 1\n\n")
        else:
            writer.write(garbage)
        await writer.drain()

    app = app_for(await raw(answer), inbox)
    async with app.started():
        assert ["1"] == await inbox.data(1)
    assert logs.matching("trying again")
    assert not logs.matching("\n")
    assert all(len(record.getMessage()) < 500 for record in logs.records)


@pytest.fixture
def fed(monkeypatch):
    """The bytes that clients have got, as they come."""

    class Noted(Decoder):
        def feed(self, chunk):
            fed.put_nowait(chunk)
            return super().feed(chunk)

    fed = asyncio.Queue()
    monkeypatch.setattr("asyncworker.sse.consumer.Decoder", Noted)
    return fed


async def test_any_byte_resets_the_read_timeout(server, inbox, fed, clock, limit):
    app = app_for(server.url, inbox, read_timeout=1000)
    async with app.started():
        stream = await server.stream()
        for _ in range(3):
            await stream.send(b":\n")
            await asyncio.wait_for(fed.get(), limit)
            await clock.advance(900)
        await stream.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
    assert 1 == server.count


async def test_no_total_timeout_ends_a_healthy_stream(server, inbox, fed, clock, limit):
    app = app_for(server.url, inbox, read_timeout=None)
    async with app.started():
        stream = await server.stream()
        await stream.send(b":\n")
        await asyncio.wait_for(fed.get(), limit)
        await clock.advance(1_000_000)
        await stream.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
    assert 1 == server.count


async def test_a_server_that_drips_headers_is_given_up(raw, inbox, logs):
    async def answer(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.02)

    app = app_for(await raw(answer), inbox, connect_timeout=0.2, read_timeout=0.3)
    async with app.started():
        await logs.wait("no answer in time")


async def test_a_host_that_does_not_accept_is_given_up_by_the_connect_timeout(inbox, logs):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        host, port = deaf.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((host, port))
        app = app_for(f"http://{host}:{port}", inbox, connect_timeout=0.2)
        async with app.started():
            await logs.wait("no answer in time (connect_timeout")
        for filler in fillers:
            filler.close()


def test_the_delay_grows_from_half_a_second_to_30_seconds(monkeypatch):
    monkeypatch.undo()
    assert (0.5, 30.0, 5.0) == (client.FIRST_DELAY, client.MAX_DELAY, client.HEALTHY_AFTER)


async def test_a_failure_in_a_series_makes_the_delay_longer(app, server, inbox, backoffs):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        for _ in range(2):
            stream = await server.stream()
            await stream.send(b"data: 1\n\n")
            await stream.end()
            (await server.stream()).drop()
            (await server.accept()).drop()
            (await server.accept()).respond(500)
        await server.accept()
        (backoff,) = backoffs
        assert (0.01, 0.02) == backoff.limits
        assert ["delay"] * 8 == backoff.notes


async def test_a_healthy_period_makes_it_short_again(app, server, inbox, backoffs, monkeypatch):
    monkeypatch.setattr("asyncworker.sse.client.HEALTHY_AFTER", 0.0)
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await server.stream()).end()
        (await server.stream()).drop()
        (await server.accept()).respond(500)
        await server.accept()
        (backoff,) = backoffs
        assert ["reset", "delay", "reset", "delay", "delay"] == backoff.notes


async def test_a_server_that_ends_each_stream_and_names_retry_is_healthy(
    app, server, inbox, backoffs
):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"retry: 1\ndata: 1\n\n")
        await stream.end()
        await (await server.stream()).end()
        await server.accept()
        (backoff,) = backoffs
        assert ["reset", "delay", "delay"] == backoff.notes


async def test_retry_is_respected(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"retry: 300\n")
        await stream.end()
        start = now()
        await (await server.stream()).end()
        await server.stream()
        assert now() - start >= 0.6


async def test_retry_is_clamped(app, server, inbox, monkeypatch):
    assert 30.0 == client.MAX_RETRY
    monkeypatch.setattr("asyncworker.sse.client.MAX_RETRY", 0.01)
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"retry: 99999999999999999999\n")
        await stream.end()
        await server.stream()


async def test_an_event_over_the_limit_is_an_error_with_reconnect(server, inbox, logs):
    app = app_for(server.url, inbox, max_event_size=1000)
    async with app.started():
        stream = await server.stream()
        await stream.send(b"id: 1\ndata: 1\n\nid: 2\ndata: " + b"x" * 1000 + b"\n\n")
        again = await server.stream()
        assert "1" == again.headers["Last-Event-ID"]
        await again.send(b"id: 3\ndata: 3\n\n")
        assert ["1", "3"] == await inbox.data(2)
    assert logs.matching("a line or an event has more than 1000 bytes (max_event_size)")


async def test_routes_fail_each_by_itself(server, inbox, logs):
    app = App(connections=[SSEConnection(server.url)])
    app.route(["/good", "/bad?a=1", "/bad?a=2"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        good = None
        while good is None or server.count < 9:
            stream = await server.accept()
            if stream.request.path == "/good":
                good = await stream.start()
            else:
                stream.respond(503)
        await good.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
        assert [
            f"handler Inbox, stream {server.url}/bad?... (2)",
            f"handler Inbox, stream {server.url}/bad?... (3)",
        ] == sorted(problem.partition(": the")[0] for problem in app.problems)


async def test_an_error_of_its_own_is_not_taken_for_one_of_the_server(
    app, server, inbox, monkeypatch, limit
):
    def fail(*_):
        raise LookupError("a mistake")

    monkeypatch.setattr(Decoder, "feed", fail)
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
        group.create_task(answer(server))
        with pytest.raises(LookupError, match="a mistake"):
            await app.serve()


async def answer(server):
    await (await server.stream()).send(b"data: 1\n\n")


async def test_a_library_without_the_way_to_unread_bytes_will_do(app, server, inbox, monkeypatch):
    monkeypatch.delattr("aiohttp.StreamReader._read_nowait")
    monkeypatch.setattr("aiohttp.StreamReader.read", _read_of_another_library, raising=True)
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        (await server.stream()).drop()
        await server.stream()


async def _read_of_another_library(self, count):
    await self.wait_eof()
    return b""


async def test_a_cancellation_is_obeyed_whatever_error_comes_with_it():
    async def fail():
        with stream_errors("too late"):
            asyncio.current_task().cancel()
            raise ConnectionResetError

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(fail())


def test_no_reason_shows_a_url():
    assert "s3cret" not in reason_of(InvalidURL("http://h/?token=s3cret"))
    assert "ConnectionResetError" == reason_of(ConnectionResetError())
