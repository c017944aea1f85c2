"""HTTP: hostile clients, failing handlers and crowds."""

import asyncio
import signal
from contextlib import asynccontextmanager

import pytest

from tests.faults.clients import CLOSE, NO_ANSWER, Clients, request
from tests.faults.hostile_bodies import hostile_requests

JSON = "Content-Type: application/json"
HALF = request("/numbers/1")[:-2]
MEGABYTE = 1024**2
TIMES = 20
"""How often a client tries the same."""
CROWD = 1000
"""That of the `serving` worker."""
DEADLINE = 1.0
HOSTILE = 500
AT_ONCE = 10
SEED = 12


@pytest.fixture
def serving(drill, queues, worker):
    """Run a worker whose other clients, and whose queue, are served while the block lasts."""

    @asynccontextmanager
    async def serving(**environment):
        ids = await queues.publish("drill", range(100))
        async with worker("serving", **environment) as process:
            clients = Clients(await process.port(), drill.ledger)
            async with clients.others():
                yield process, clients
                await process.handled(ids)
            process.send(signal.SIGTERM)
            assert await process.end() == 0
            process.account(drill.ledger)
        await queues.account()

    return serving


@pytest.mark.parametrize(
    ("count", "environment", "within"),
    [
        pytest.param(1, {}, 30, id="1 client, default limit", marks=pytest.mark.long),
        pytest.param(200, {}, 30, id="200 clients, default limit", marks=pytest.mark.long),
        pytest.param(
            200, {"ASYNCWORKER_HTTP_HEADER_TIMEOUT": "1"}, 5, id="200 clients, limit of 1 s"
        ),
    ],
)
async def test_half_a_head(drill, case, serving, count, environment, within):
    """Half a request's head, and no more for 40 s."""
    async with serving(**environment) as (process, clients):
        drill.broken()
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(clients.send(HALF, NO_ANSWER))
        drill.recovered()
    assert process.complaints == []
    drill.check(within=within)


async def test_body_over_the_limit(drill, serving):
    """A body over the limit."""
    body = b'{"x": "%s"}' % (b"x" * MEGABYTE)
    fits = b'{"x": "%s"}' % (b"x" * (MEGABYTE - 9))
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with serving() as (process, clients):
        for headers, content, promised in (
            ([f"Content-Length: {len(fits)}"], fits, 200),
            ([f"Content-Length: {len(body)}"], body, 413),
            (["Transfer-Encoding: chunked"], chunk, 413),
            ([f"Content-Length: {50 * len(body)}"], 50 * body, 413),
        ):
            head = request("/documents", JSON, CLOSE, *headers, method="POST")
            await clients.send(head + content, promised)
    assert process.complaints == []
    drill.check()


async def test_head_over_the_limit(drill, serving):
    """A head over the limit."""
    long = "x" * 8200
    async with serving() as (process, clients):
        for data in (
            request(f"/numbers/{long}"),
            request("/numbers/1", f"X-Long: {long}"),
            request("/numbers/1", f"{long}: 1"),
        ):
            await clients.send(data, 400)
    assert process.complaints == []
    drill.check()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(("Content-Length: 6", "Transfer-Encoding: chunked"), id="length and chunks"),
        pytest.param(("Content-Length: 6", "Content-Length: 7"), id="two lengths"),
    ],
)
async def test_smuggled_request(drill, case, serving, headers):
    """A request whose end is ambiguous, with another one hidden in it."""
    hidden = request("/raising")
    data = request("/documents", JSON, *headers, method="POST") + b"0\r\n\r\n" + hidden
    async with serving() as (process, clients):
        for _ in range(TIMES):
            await clients.send(data, 400)
    assert process.complaints == []
    drill.check()


async def test_hostile_bodies(drill, serving):
    """500 hostile bodies: each type and coding, cut, too large, too deep, too many problems."""

    async def send():
        for hostile in hostiles:
            await clients.send_hostile(hostile.data, is_cut=hostile.is_cut)

    hostiles = hostile_requests(SEED, HOSTILE)
    async with serving() as (process, clients):
        before = process.memory
        drill.broken()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(send())
        drill.recovered()
        assert process.peak_memory - before < 300 * MEGABYTE
    assert process.complaints == []
    drill.check(within=120)


async def test_injected_header(drill, serving):
    """CR LF in a header of the answer."""
    data = request("/named?name=a%0d%0aX-Injected:%20yes%0d%0a%0d%0apage", CLOSE)
    async with serving() as (process, clients):
        answers = [await clients.send(data, 500) for _ in range(TIMES)]
    assert not any("X-Injected" in answer or "page" in answer for answer in answers)
    assert len(process.complaints) == TIMES
    drill.check()


async def test_handler_raises(drill, serving):
    """A handler raises."""
    async with serving() as (process, clients):
        answers = [await clients.send(request("/raising", CLOSE), 500) for _ in range(TIMES)]
    assert not any("secret" in answer for answer in answers)
    assert len(process.complaints) == TIMES
    drill.check()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/hanging", id="it can be cancelled"),
        pytest.param("/deaf", id="it swallows its cancellation"),
    ],
)
async def test_handler_hangs_at_shutdown(drill, case, queues, worker, path):
    """A handler hangs at the shutdown, with a deadline of a second; others end in time."""
    ids = await queues.publish("drill", range(100))
    async with worker("serving", ASYNCWORKER_SHUTDOWN_TIMEOUT=str(DEADLINE)) as process:
        clients = Clients(await process.port(), drill.ledger)
        async with asyncio.TaskGroup() as group:
            group.create_task(clients.send(request(path), NO_ANSWER))
            for _ in range(TIMES):
                group.create_task(clients.send(request("/slow"), 200))
            await process.noted("hanging")
            await process.noted("slow", TIMES)
            await process.handled(ids)
            drill.broken()
            process.send(signal.SIGTERM)
        assert await process.end() == 1
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    assert "ASYNCWORKER_SHUTDOWN_TIMEOUT" in process.complaints[-1]["msg"]
    assert process.output == []
    assert len(process.notes("stopped")) == 1
    drill.check(within=DEADLINE + 2)


async def test_crowd(drill, serving):
    """1,000 requests at once, each waiting for all the others."""

    async def ask(number):
        answer = await clients.send(request(f"/crowd/{number}", CLOSE), 200)
        assert answer.endswith(f'\r\n\r\n{{"number":{number}}}')

    async with serving() as (process, clients):
        drill.broken()
        async with asyncio.TaskGroup() as group:
            for number in range(CROWD):
                group.create_task(ask(number))
        drill.recovered()
    assert process.complaints == []
    drill.check(within=15)
