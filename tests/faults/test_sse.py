"""Server-Sent Events."""

import signal
from contextlib import asynccontextmanager
from itertools import cycle, islice, repeat

import pytest

from tests.faults.event_server import EventServer
from tests.faults.proxy import Proxy
from tests.faults.worker import WORKERS, Worker

MB = 1024 * 1024
CAP = 8 * MB
"""`max_event_size`, unless a user says otherwise."""
SPREAD = 1.2
"""What a server asks for is waited up to so many times, lest all clients come at once."""
FIRST_DELAY = 0.25
"""The least that the first delay of a backoff may be."""
MAX_RETRY = 30
"""The most of a server's `retry` that is respected."""
PASSWORD = "s3cret"


@pytest.fixture
async def server(drill):
    async with EventServer.started(drill.ledger) as server:
        yield server


@pytest.fixture
def follow(drill, tmp_path):
    """Run a worker that follows streams; stop it as operators do, when log and record are whole."""

    @asynccontextmanager
    async def follow(url, name="following", **environment):
        environment = {"URL": url} | environment
        script, record = WORKERS / f"{name}.py", tmp_path / "record"
        async with Worker.started(script, record, environment) as process:
            yield process
            process.send(signal.SIGTERM)
            assert await process.end() == 0
        process.account(drill.ledger)

    return follow


@pytest.fixture
async def elsewhere(drill):
    async with EventServer.started(drill.ledger) as server:
        yield server


def numbered(count):
    return [str(number).encode() for number in range(count)]


def with_login(server):
    return server.url.replace("//", f"//me:{PASSWORD}@")


def answering(status, **headers):
    async def answer(exchange):
        await exchange.answer(status, Content_Length="0", **headers)

    return answer


async def closing(exchange):
    """Close the connection without an answer."""


async def wanting_all_back_at_once(exchange):
    await exchange.begin()
    await exchange.write(b"retry: 0\n\n")


async def line_without_end(exchange):
    await exchange.begin()
    await exchange.write(b"data: ")
    while True:
        await exchange.write(b"x" * 65536)


async def event_without_end(exchange):
    await exchange.begin()
    while True:
        await exchange.write(b"data: xy\n" * 8192)


@pytest.mark.parametrize("fault", [line_without_end, event_without_end])
async def test_without_end(drill, case, server, follow, fault):
    """A line, or an event, that never ends: memory stays within twice the limit of its size."""
    first = server.publish(numbered(100))
    async with follow(server.url) as process:
        await process.handled(first)
        before = process.memory
        server.faults = iter([fault])
        later = server.publish(numbered(100))
        drill.broken()
        server.cut()
        await process.handled(first | later)
        drill.recovered()
        grown = process.peak_memory - before
    assert process.entries("(max_event_size)")
    assert grown < 2 * CAP
    drill.check(within=15)


async def test_silence(drill, server, follow):
    """Silence: not a byte for the read timeout of 1 s."""
    first = server.publish(numbered(100))
    async with follow(server.url, READ_TIMEOUT="1") as process:
        await process.handled(first)
        drill.broken()
        server.fall_silent()
        later = server.publish(numbered(100))
        await process.handled(first | later)
        drill.recovered()
    assert process.entries("(read_timeout); trying again")
    assert ["", "/events-99"] == [one.header("Last-Event-ID") for one in server.requests[:2]]
    drill.check(within=5)


async def test_half_open(drill, server, follow):
    """Half-open: a path that swallows all, old connections and new, then works again."""
    first = server.publish(numbered(100))
    async with (
        Proxy.to(server.port) as proxy,
        follow(f"http://127.0.0.1:{proxy.port}", READ_TIMEOUT="1") as process,
    ):
        await process.handled(first)
        proxy.stall()
        later = server.publish(numbered(100))
        await process.logged("nothing came for too long (read_timeout)")
        await process.logged("no answer in time")
        drill.broken()
        proxy.flow()
        await process.handled(first | later)
        drill.recovered()
    drill.check(within=10)


async def test_closed_at_once(drill, server, follow):
    """Server closes at once 100 times, 4 on each of 25 streams: about one connection a second."""
    paths = [f"/{number}" for number in range(25)]
    ids = set().union(*(server.publish(numbered(10), path) for path in paths))
    server.faults = islice(cycle([closing, wanting_all_back_at_once]), 4 * len(paths))
    async with follow(server.url, STREAMS=",".join(paths)) as process:
        await process.logged("trying again")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
    for path in paths:
        times = [one.at for one in server.requests if one.path == path]
        assert len(times) == 5
        assert 4 / (times[-1] - times[0]) < 1.25
    # The delays that the backoff has by then are no more than 0.5 + 1 + 2 + 4 s.
    drill.check(within=15)


async def test_retry_of_0(drill, server, follow):
    """`retry: 0`, and each stream ends after one event: at most 4 connections a second."""

    async def one_event(exchange):
        await wanting_all_back_at_once(exchange)
        await server.tell(exchange, 1)

    ids = server.publish(numbered(6))
    server.faults = repeat(one_event)
    async with follow(server.url) as process:
        await process.noted("handled")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
    times = [one.at for one in server.requests[: len(ids)]]
    assert (times[-1] - times[0]) / (len(times) - 1) > 0.9 * FIRST_DELAY
    drill.check(within=10)


@pytest.mark.long
async def test_retry_of_months(drill, server, follow):
    """`retry: 12345678910`, which is 142 days: 30 s of it are respected."""

    async def asking_for_months(exchange):
        await exchange.begin()
        await exchange.write(b"retry: 12345678910\n")
        await server.tell(exchange, 100)

    first = server.publish(numbered(100))
    server.faults = iter([asking_for_months])
    async with follow(server.url) as process:
        await process.logged("trying again")
        drill.broken()
        later = server.publish(numbered(100))
        await process.handled(first | later)
        drill.recovered()
    before, after = (one.at for one in server.requests)
    assert after - before >= MAX_RETRY
    drill.check(within=MAX_RETRY * SPREAD + 4)


async def test_no_content(drill, server, follow):
    """204: that stream is never asked for again, its sibling goes on."""

    async def over(exchange):
        if exchange.path == "/over":
            await exchange.answer("204 No Content")
        else:
            await exchange.begin()
            await server.tell(exchange, 1)

    ids = server.publish(numbered(3))
    server.faults = repeat(over)
    async with follow(server.url, STREAMS="/over,/events") as process:
        await process.logged("/over: the server answered 204: this stream is over")
        # The sibling comes back twice meanwhile, the second time later than the first.
        await process.handled(ids)
    assert [one.path for one in server.requests].count("/over") == 1
    drill.check()


async def test_no_stream(drill, server, follow):
    """Answers that are no stream (401, 404, 500, HTML): each logged once, and asked for again."""
    answers = {
        "/401": answering("401 Unauthorized"),
        "/404": answering("404 Not Found"),
        "/500": answering("500 Internal Server Error"),
        "/html": answering("200 OK", Content_Type="text/html"),
    }

    async def fail(exchange):
        await answers[exchange.path](exchange)

    ids = set().union(*(server.publish(numbered(100), path) for path in answers))
    server.faults = repeat(fail, 2 * len(answers))
    async with follow(with_login(server), STREAMS=",".join(answers)) as process:
        await process.logged("trying again")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
    for reason in ("401 Unauth", "404 Not F", "500 Internal", "'text/html', which is not"):
        assert len(process.entries(reason)) == 1
    assert PASSWORD not in f"{process.log}{process.output}"
    assert sorted([*answers] * 3) == sorted(one.path for one in server.requests)
    drill.check(within=5)


async def test_retry_after(drill, server, follow):
    """503 with `Retry-After: 2`: left alone for that long."""
    ids = server.publish(numbered(100))
    server.faults = iter([answering("503 Service Unavailable", Retry_After="2")])
    async with follow(server.url) as process:
        await process.logged("503 Service Unavailable; trying again")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
    before, after = (one.at for one in server.requests)
    assert after - before >= 0.9 * 2
    drill.check(within=2 * SPREAD + 2)


async def test_redirect_loop(drill, server, follow):
    """Redirects in a circle: 10 are followed, then a delay; a token in them stays in no log."""
    ids = server.publish(numbered(100))
    location = f"/events?token={PASSWORD}"
    server.faults = repeat(answering("302 Found", Location=location), 2 * 11)
    async with follow(server.url) as process:
        await process.logged("redirected more than 10 times; trying again")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
    assert len(process.entries("trying again")) == 1
    assert PASSWORD not in f"{process.log}{process.output}"
    assert server.requests[11].at - server.requests[10].at > 0.9 * FIRST_DELAY
    assert len(server.requests) == 2 * 11 + 1
    drill.check(within=5)


async def test_redirect_elsewhere(drill, server, elsewhere, follow):
    """Redirect to another origin: followed without the login, which stays in no log."""
    first = elsewhere.publish(numbered(100))
    server.faults = repeat(answering("302 Found", Location=f"{elsewhere.url}/events"))
    async with follow(with_login(server)) as process:
        await process.handled(first)
        later = elsewhere.publish(numbered(100))
        drill.broken()
        elsewhere.cut()
        await process.handled(first | later)
        drill.recovered()
    assert PASSWORD not in f"{process.log}{process.output}"
    assert all(one.header("Authorization") for one in server.requests)
    assert not any(one.header("Authorization") for one in elsewhere.requests)
    assert len(server.requests) == len(elsewhere.requests) == 2
    drill.check(within=5)


async def test_not_json(drill, server, follow):
    """Bodies that are not JSON: each logged once, all others handled."""
    poison = server.publish([b"{", b"", b"nope", b"\xff", b"[" * 100_000])
    good = server.publish(numbered(100))
    async with follow(server.url, BULK_SIZE="1") as process:
        await process.handled(good)
    entries = process.entries("raised NotJSON")
    assert sorted(poison) == sorted(entry["last_event_id"] for entry in entries)
    assert all(len(entry["msg"]) < 500 for entry in entries)
    # There is nobody to give them back to: the log is where they are found.
    drill.ledger.dead_lettered |= poison
    assert len(server.requests) == 1
    drill.check()


async def test_handler_raises(drill, server, follow):
    """Handler raises whatever there is: logged with traceback and event id, the stream goes on."""
    names = [b"LookupError", b"CancelledError", b"SystemExit", b"KeyboardInterrupt"]
    raising = server.publish([b'"%s"' % name for name in names])
    ids = raising | server.publish(numbered(100))
    async with follow(server.url, "raising") as process:
        await process.handled(ids)
    entries = process.entries("handler handler raised")
    assert sorted(raising) == sorted(entry["last_event_id"] for entry in entries)
    assert all(entry["streams"] == ["/events"] for entry in entries)
    assert all("Traceback" in str(entry["exc_info"]) for entry in entries)
    assert len(server.requests) == 1
    drill.check()


async def test_slow_handler(drill, server, follow):
    """Slow handler under a fast stream of 32 MB: in order, memory grows by 4 MB at the most."""
    size, count = 16 * 1024, 2048
    async with follow(server.url, PAUSE="0.005") as process:
        await process.logged("connected")
        before = process.memory
        drill.broken()
        ids = server.publish([b'"%s"' % (b"x" * size)] * count)
        await process.noted("handled", 100)
        # It waits: what was sent ahead is in the buffers of both sides' sockets.
        assert server.sent < count
        await process.handled(ids)
        drill.recovered()
        grown = process.peak_memory - before
        order = [note["id"] for note in process.notes("handled")]
    assert order == [f"/events-{number}" for number in range(count)]
    assert grown < 4 * MB
    drill.check(within=30)
