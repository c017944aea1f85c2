"""Clients that send what they should not, or too slowly, or do not read."""

import asyncio
import gzip
import sys
import zlib
from functools import cache

import brotli
import pytest
from aiohttp import StreamReader

from asyncworker import App

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
JSON_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def make(monkeypatch):
    """Make an app under limits of its own."""

    def make(**limits):
        for name, value in limits.items():
            monkeypatch.setenv(f"ASYNCWORKER_HTTP_{name.upper()}", str(value))
        app = App()

        @app.http.get("/")
        async def index():
            return "hello"

        @app.http.post("/")
        async def take(document: list):
            return document

        return app

    return make


@pytest.fixture
def app(make):
    return make()


@pytest.fixture
def hasty(make):
    """An app whose limits a test can wait for."""
    return make(header_timeout=0.2, body_timeout=0.2, answer_timeout=0.2)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Name : 1\r\n\r\n",
        JSON_HEAD + b"Content-Length: -1\r\n\r\n[]",
        JSON_HEAD + b"Content-Length: two\r\n\r\n[]",
        JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nZ\r\n[]\r\n0\r\n\r\n",
    ],
)
async def test_a_malformed_request_is_400_and_ends_the_connection(app, connect, logs, sent):
    async with app.started():
        wire = await connect(app)
        wire.send(sent)
        text = await wire.rest()
    assert text.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert text.count("HTTP/1.") == 1
    assert logs.errors == []


ONE = b"1\r\n1\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 1\r\n" + CHUNKED + b"\r\n" + ONE,
        b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        b"Content-Length: 1, 1\r\n\r\n1",
        b"Content-Length: +1\r\n\r\n1",
        b"Content-Length: 0x1\r\n\r\n1",
        b"Content-Length: \xd9\xa1\r\n\r\n1",
        b"Content-Length : 1\r\n\r\n1",
        b"Content-Length:\r\n 1\r\n\r\n1",
        b"X-Name: a\r\n b\r\nContent-Length: 1\r\n\r\n1",
        b"X-Name: a\nContent-Length: 1\r\n\r\n1",
        b"X-Name: a\rContent-Length: 0\r\nContent-Length: 1\r\n\r\n1",
        b"X-Name: a\0b\r\nContent-Length: 1\r\n\r\n1",
        b"Transfer-Encoding: xchunked\r\n\r\n" + ONE,
        b"Transfer-Encoding: chunked, gzip\r\n\r\n" + ONE,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n" + ONE,
        b"Transfer-Encoding:\r\n chunked\r\n\r\n" + ONE,
        CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + ONE,
        CHUNKED + b"\r\n0x1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n+1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0_1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1 \r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\r\n1\n0\r\n\r\n",
        CHUNKED + b"\r\n1;a=\nb\r\n1\r\n0\r\n\r\n",
    ],
)
async def test_no_request_hides_in_one_whose_end_is_unclear(app, connect, logs, sent):
    hidden = asyncio.Event()

    @app.http.get("/hidden")
    async def hide():
        hidden.set()

    async with app.started():
        wire = await connect(app)
        wire.send(JSON_HEAD + sent + REQUEST.replace(b"/ ", b"/hidden "))
        text = await wire.rest()
    assert text.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert text.count("HTTP/1.") == 1
    assert not hidden.is_set()
    assert logs.errors == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"", 200),
        (b"worker", 200),
        (b"worker.internal:8080", 200),
        (b"my_worker:", 200),
        (b"[::1]:80", 200),
        (b"xn--bcher-kva.example", 200),
        (b"a b", 400),
        (b"a:b", 400),
        (b"a:-1", 400),
        (b"a:65536", 400),
        (b"a:999999999", 400),
        (b"[::1", 400),
        (b"me:secret@worker", 400),
        (b"a/b?c#d", 400),
        (b"\xff", 400),
        ("bücher".encode(), 400),
    ],
)
async def test_a_host_that_is_none_is_refused_before_any_handler(app, connect, logs, host, status):
    @app.http.get("/url")
    async def url(request):
        return str(request.url)

    async with app.started():
        wire = await connect(app)
        wire.send(b"GET /url HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
        assert (await wire.rest()).startswith(f"HTTP/1.1 {status} ")
    assert logs.errors == []


async def test_a_body_that_is_broken_is_the_clients_fault_for_handlers_that_read_it_too(
    app, connect, logs
):
    @app.http.put("/")
    async def take(request):
        return str(len(await request.read()))

    head = b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    async with app.started():
        wire, gone = await connect(app), await connect(app)
        gone.send(head + b"Content-Length: 8\r\n\r\nhalf")
        gone.writer.close()
        wire.send(head + b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip.")
        assert (await wire.rest()).startswith("HTTP/1.1 400 ")
    assert logs.errors == []


async def test_a_head_within_the_limit_is_taken(connect, make):
    app = make(header_limit=3000)
    async with app.started():
        wire = await connect(app)
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 2000 + b"\r\n\r\n")
        assert " 200 " in await wire.head()


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\n", REQUEST[:-1]])
async def test_a_client_that_sends_no_complete_head_is_cut_off(hasty, connect, logs, sent):
    async with hasty.started():
        wire = await connect(hasty)
        wire.send(sent)
        assert await wire.rest() == ""
        await logs.wait("cut off 1 client, too slow")


async def test_a_head_that_drips_is_cut_off_too(hasty, connect):
    async def drip(wire):
        wire.send(b"GET / HTTP/1.1\r\nX-Name: ")
        while not wire.writer.transport.is_closing():
            wire.send(b"1")
            await asyncio.sleep(0.01)

    async with hasty.started(), asyncio.TaskGroup() as group:
        wire = await connect(hasty)
        dripping = group.create_task(drip(wire))
        assert await wire.rest() == ""
        dripping.cancel()


async def test_the_time_that_the_worker_itself_is_late_counts_against_no_client(
    app, connect, monkeypatch
):
    loop = asyncio.get_running_loop()
    real = loop.time
    async with app.started():
        wire = await connect(app)
        for seconds in (2, 20):
            monkeypatch.setattr(loop, "time", lambda ahead=seconds: real() + ahead)
            for _ in range(20):
                await asyncio.sleep(0)
        wire.send(REQUEST)
        assert " 200 " in await wire.head()


async def test_half_a_head_after_a_request_is_cut_off_with_the_idle(connect, make):
    app = make(keepalive_timeout=0.2)
    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST + REQUEST[:-1])
        text = await wire.rest()
    assert text.endswith("\r\n\r\nhello")
    assert text.count("HTTP/1.1 200") == 1


async def test_an_idle_connection_is_closed_after_the_keepalive_timeout(connect, make):
    app = make(keepalive_timeout=0.2)
    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST)
        assert (await wire.rest()).endswith("hello")


async def test_a_connection_that_was_used_outlives_the_limit_of_a_head(hasty, connect):
    async with hasty.started():
        slow, used = await connect(hasty), await connect(hasty)
        used.send(REQUEST)
        assert " 200 " in await used.head()
        assert await used.exactly(5) == b"hello"
        assert await slow.rest() == ""
        used.send(REQUEST)
        assert " 200 " in await used.head()


@pytest.mark.parametrize("read_by", ["the plan", "the handler"])
@pytest.mark.parametrize(
    "encoding", [b"Content-Length: 100\r\n", b"Transfer-Encoding: chunked\r\n"]
)
async def test_a_client_that_does_not_send_its_body_is_cut_off(
    hasty, connect, logs, read_by, encoding
):
    @hasty.http.put("/")
    async def take(request):
        return await request.read()

    head = JSON_HEAD if read_by == "the plan" else JSON_HEAD.replace(b"POST", b"PUT")
    async with hasty.started():
        wire = await connect(hasty)
        wire.send(head + encoding + b"\r\n")
        assert await wire.rest() == ""
        await logs.wait("cut off 1 client")


async def test_a_large_body_may_take_longer(connect, make):
    app = make(body_timeout=0.2, header_timeout=0.2)
    body = b"[" + b" " * 5000 + b"]"
    async with app.started():
        wire, slow = await connect(app), await connect(app)
        wire.send(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        slow.send(JSON_HEAD + b"Content-Length: 100\r\n\r\n")
        assert await slow.rest() == ""
        wire.send(body[-1:])
        assert " 200 " in await wire.head()


async def test_a_handler_that_is_slow_to_read_costs_the_client_nothing(connect, make, monkeypatch):
    app = make(body_timeout=0.2, header_timeout=0.2, body_limit=10_000_000)
    read, reading = asyncio.Event(), asyncio.Event()

    @app.http.put("/")
    async def take(request):
        reading.set()
        await read.wait()
        return str(len(await request.read()))

    # Not one second is bought by what is sent: reading pauses after some of it.
    monkeypatch.setattr("asyncworker.http.serving.client.BODY_RATE", float("inf"))
    count = 5_000_000
    async with app.started():
        wire = await connect(app)
        wire.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % count)
        wire.send(b"x" * count)
        await reading.wait()
        for _ in range(3):
            slow = await connect(app)
            assert await slow.rest() == ""
        read.set()
        assert " 200 " in await wire.head()


async def test_a_client_that_does_not_read_its_answer_is_cut_off(hasty, connect, logs):
    @hasty.http.get("/large")
    async def large(request):
        return b"x" * 50_000_000

    async with hasty.started():
        wire = await connect(hasty)
        wire.writer.transport.pause_reading()
        wire.send(REQUEST.replace(b"/ ", b"/large "))
        await logs.wait("cut off 1 client")


@cache
def compressed(encoding, size):
    """Spaces, very small."""
    if encoding == "br":
        compressor = brotli.Compressor(quality=1)
        add, end = compressor.process, compressor.finish
    else:
        compressor = (
            zstd.ZstdCompressor()
            if encoding == "zstd"
            else zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
        )
        add, end = compressor.compress, compressor.flush
    piece = b" " * 1_000_000
    return b"".join(add(piece) for _ in range(size // len(piece))) + end()


@pytest.fixture
def inflated(monkeypatch):
    """Count the bytes that aiohttp inflates."""
    counts = []
    feed = StreamReader.feed_data

    def feed_data(self, data, *size):
        counts.append(len(data))
        return feed(self, data, *size)

    monkeypatch.setattr(StreamReader, "feed_data", feed_data)
    return counts


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize(
    ("path", "status"), [("/", 413), ("/ignored", 200), ("/failing", 500), ("/none/such", 404)]
)
async def test_a_bomb_is_not_inflated_beyond_the_limit(
    app, connect, inflated, encoding, path, status
):
    @app.http.post("/ignored")
    async def ignored():
        return "ok"

    @app.http.post("/failing")
    async def failing():
        raise ValueError

    body = compressed(encoding, 200_000_000)
    head = JSON_HEAD.replace(b"/ ", path.encode() + b" ")
    async with app.started():
        wire = await connect(app)
        wire.send(head + f"Content-Encoding: {encoding}\r\n".encode())
        wire.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answer = await wire.head()
        assert f" {status} " in answer
        assert "Connection: close" in answer
        # Whoever has asked once more is not answered, and has nothing inflated.
        wire.send(REQUEST)
        other = await connect(app)
        other.send(REQUEST)
        assert " 200 " in await other.head()
    assert "HTTP/1.1" not in await wire.rest()
    # aiohttp inflates some pieces ahead, each of the size of the limit.
    assert sum(inflated) < 10_000_000


async def test_a_compressed_body_that_is_read_leaves_the_connection_open(app, connect):
    body = gzip.compress(b"[1]")
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with app.started():
        wire = await connect(app)
        for _ in range(2):
            wire.send(JSON_HEAD + head + body)
            assert " 200 " in await wire.head()
            assert await wire.exactly(3) == b"[1]"


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        (b"/", b"Content-Length: 2000000\r\n", 413),
        (b"/", b"Content-Length: 2000000\r\nContent-Type: text/plain\r\n", 415),
        (b"/pages/x", b"Content-Length: 2\r\n", 400),
    ],
)
async def test_a_client_that_asks_before_it_sends_its_body_is_refused_at_once(
    app, connect, logs, path, sent, status
):
    @app.http.post("/pages/{page}")
    async def pages(page: int, document: list): ...

    head = JSON_HEAD.replace(b"/ ", path + b" ")
    if b"Content-Type" in sent:
        head = head.replace(b"Content-Type: application/json\r\n", b"")
    async with app.started():
        wire = await connect(app)
        wire.send(head + sent + b"Expect: 100-continue\r\n\r\n")
        answer = await wire.head()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert "Connection: close" in answer
    assert logs.errors == []


async def test_a_body_that_is_too_large_is_refused_by_its_length(app, connect):
    async with app.started():
        wire = await connect(app)
        wire.send(JSON_HEAD + b"Content-Length: 2000000\r\n\r\n")
        assert " 413 " in await wire.head()


async def test_a_client_that_asks_before_it_sends_a_good_body_is_let_on(app, connect):
    async with app.started():
        wire = await connect(app)
        for _ in range(2):
            wire.send(JSON_HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            assert (await wire.head()).startswith("HTTP/1.1 100 ")
            wire.send(b"[1]")
            assert (await wire.head()).startswith("HTTP/1.1 200 ")
            assert await wire.exactly(3) == b"[1]"


async def test_an_expectation_that_nobody_knows_is_417(app, connect):
    async with app.started():
        wire = await connect(app)
        wire.send(JSON_HEAD + b"Content-Length: 3\r\nExpect: a miracle\r\n\r\n")
        assert (await wire.head()).startswith("HTTP/1.1 417 ")


async def test_pipelined_requests_are_answered_in_order(app, connect):
    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST * 100 + REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
        text = await wire.rest()
    assert text.count("HTTP/1.1 200") == 101


async def test_a_handler_goes_on_when_its_client_leaves(app, connect):
    begun, ended, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.http.get("/slow")
    async def slow():
        begun.set()
        await leave.wait()
        ended.set()

    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST.replace(b"/ ", b"/slow "))
        await begun.wait()
        wire.writer.transport.abort()
        leave.set()
        async with asyncio.timeout(60):
            await ended.wait()
