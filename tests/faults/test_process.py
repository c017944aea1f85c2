"""Process: signals, crashes, hooks, ports and output."""

import asyncio
import itertools
import json
import os
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from scripts.rabbitmq.probe import free_ports
from tests.faults.proxy import Proxy
from tests.faults.waiting import until

STOP = (signal.SIGTERM, signal.SIGINT)
BUSY = {"PREFETCH": "250", "BULK_SIZE": "100", "PAUSE": "0.2"}
"""For a `counting` worker: two batches run, and half a batch waits in the bucket."""
DEADLINE = 1.0
CANCELLED = "handler handler raised CancelledError()"
ABANDONED = "abandoned 1 handler that would not be cancelled"


async def ended(drill, process):
    """Wait for the end; return the exit code."""
    code = await process.end()
    drill.recovered()
    return code


async def handled_by_another(drill, queues, worker, first, ids):
    """Have a second worker handle what the first one left, and account for both."""
    async with worker("counting") as second:
        await second.handled(ids)
        second.send(signal.SIGTERM)
        assert await second.end() == 0
    # Both wrote into the same record.
    first.account(drill.ledger)
    await queues.account()


@pytest.mark.parametrize(
    ("number", "count", "loop"),
    [
        pytest.param(
            signal.SIGTERM,
            10_000,
            "asyncio",
            id="SIGTERM, 10,000 messages",
            marks=pytest.mark.long,
        ),
        pytest.param(signal.SIGTERM, 2_000, "asyncio", id="SIGTERM, 2,000 messages"),
        pytest.param(signal.SIGTERM, 2_000, "uvloop", id="SIGTERM, 2,000 messages, uvloop"),
        pytest.param(signal.SIGINT, 2_000, "asyncio", id="SIGINT, 2,000 messages"),
    ],
)
async def test_stopped_at_half(drill, case, queues, worker, number, count, loop):
    """Stopped at half of its messages, with full buckets and running handlers."""
    ids = await queues.publish("drill", range(count))
    async with worker("counting", **BUSY, ASYNCWORKER_LOOP=loop) as process:
        await process.noted("handled", count // 2)
        drill.broken()
        process.send(number)
        assert await ended(drill, process) == 0
    assert len(process.notes("started")) == len(process.notes("handled")) < count
    assert process.complaints == []
    assert process.output == []
    await handled_by_another(drill, queues, worker, process, ids)
    drill.check(within=5)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param("hanging", CANCELLED, id="it can be cancelled"),
        pytest.param("deaf", ABANDONED, id="it swallows its cancellation"),
    ],
)
async def test_hung_handler(drill, case, queues, worker, name, complaint):
    """SIGTERM while a handler hangs, with a deadline of a second."""
    ids = await queues.publish("drill", range(1))
    async with worker(name, ASYNCWORKER_SHUTDOWN_TIMEOUT=str(DEADLINE)) as process:
        await process.noted("started")
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 1
    assert [entry["msg"] for entry in process.complaints] == [
        complaint,
        "the drain was cut short when 1 s had passed (ASYNCWORKER_SHUTDOWN_TIMEOUT)",
    ]
    assert process.output == []
    await handled_by_another(drill, queues, worker, process, ids)
    assert [note["redelivered"] for note in process.notes("handled")] == [True]
    drill.check(within=DEADLINE + 2)


@pytest.mark.parametrize("number", STOP, ids=["SIGTERM twice", "SIGINT after SIGTERM"])
async def test_further_signal(drill, case, queues, worker, number):
    """A further signal while a handler hangs."""
    ids = await queues.publish("drill", range(1))
    async with worker("hanging") as process:
        await process.noted("started")
        process.send(signal.SIGTERM)
        await process.logged("SIGTERM: stopping")
        drill.broken()
        process.send(number)
        assert await ended(drill, process) == 1
    first, *_, last = complaints = [entry["msg"] for entry in process.complaints]
    assert first == f"{number.name} again: cancelling what still runs"
    assert CANCELLED in complaints
    assert last == "the drain was cut short when a further signal came"
    assert not any("not consumed" in complaint for complaint in complaints)
    assert process.output == []
    await handled_by_another(drill, queues, worker, process, ids)
    assert [note["redelivered"] for note in process.notes("handled")] == [True]
    drill.check(within=2)


async def test_stopped_while_the_broker_is_down(drill, worker):
    """SIGTERM while the broker is down, since before the worker's start."""
    (port,) = free_ports(1)
    url = f"amqp://guest:s3cret@127.0.0.1:{port}/"
    async with worker("counting", URL=url) as process:
        entry = await process.logged(f"cannot connect to amqp://guest@127.0.0.1:{port}, vhost '/'")
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 0
    assert entry["level"] == "ERROR"
    assert not any("s3cret" in str(entry) for entry in process.log)
    drill.check_time(within=2)


async def test_stopped_while_reconnecting(drill, queues, worker, private_node):
    """SIGTERM while reconnecting."""
    ids = await queues.publish("drill", range(1000))
    async with AsyncExitStack() as broker:
        proxy = await broker.enter_async_context(Proxy.to(private_node.port))
        async with worker("counting", proxy.port) as process:
            await process.noted("handled", 300)
            await broker.aclose()
            await process.logged("cannot connect")
            drill.broken()
            process.send(signal.SIGTERM)
            assert await ended(drill, process) == 0
    await handled_by_another(drill, queues, worker, process, ids)
    drill.check(within=2, duplicates=50)


async def test_stopped_while_the_broker_is_frozen(drill, queues, worker, proxy):
    """SIGTERM while the broker answers nothing."""
    ids = await queues.publish("drill", range(1000))
    async with worker("counting", proxy.port) as process:
        await process.noted("handled", 300)
        proxy.stall()
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 0
    proxy.cut()
    await handled_by_another(drill, queues, worker, process, ids)
    drill.check(within=10, duplicates=50)


async def test_stopped_while_connecting(drill, worker, proxy):
    """SIGTERM while connecting to a broker that answers nothing."""
    proxy.stall()
    async with worker("counting", proxy.port) as process:
        await until(lambda: proxy.connections, "a connection")
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 0
    drill.check_time(within=2)


@pytest.mark.long
async def test_killed_at_half(drill, queues, worker):
    """SIGKILL at half of 10,000 messages, then a second worker."""
    ids = await queues.publish("drill", range(10_000))
    async with worker("counting", **BUSY) as process:
        await process.noted("handled", 5_000)
        process.send(signal.SIGKILL)
        assert await process.end() == -signal.SIGKILL
    drill.broken()
    async with worker("counting", **BUSY) as second:
        await second.handled(ids)
        drill.recovered()
        second.account(drill.ledger)
    await queues.account()
    drill.check(within=30, duplicates=250)


async def test_startup_hook_raises(drill, queues, worker):
    """A startup hook raises."""
    ids = await queues.publish("drill", range(10))
    async with worker("broken_start") as process:
        await process.noted("starting")
        drill.broken()
        assert await ended(drill, process) == 1
    (entry,) = process.log
    assert entry["msg"] == "startup hook broken raised OSError('refused')"
    assert any("OSError: refused" in line for line in entry["exc_info"])
    assert process.output == []
    assert (len(process.notes("started")), len(process.notes("stopped"))) == (0, 1)
    process.account(drill.ledger)
    await queues.account()
    assert drill.ledger.left == ids
    drill.check(within=2)


async def test_shutdown_hook_raises(drill, queues, worker):
    """A shutdown hook raises."""
    ids = await queues.publish("drill", range(10))
    async with worker("broken_end") as process:
        await process.handled(ids)
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 1
    (entry,) = process.complaints
    assert entry["msg"] == "shutdown hook broken raised OSError('refused')"
    assert process.output == []
    assert (len(process.notes("stopping")), len(process.notes("stopped"))) == (1, 1)
    process.account(drill.ledger)
    await queues.account()
    drill.check(within=2)


async def test_port_taken(drill, queues, worker):
    """The HTTP port is taken."""
    await queues.publish("drill", range(10))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with worker("serving", ASYNCWORKER_HTTP_PORT=str(port)) as process:
            await process.noted("starting")
            drill.broken()
            assert await ended(drill, process) == 1
    (entry,) = process.complaints
    assert entry["msg"].startswith(f"127.0.0.1:{port} is taken: ")
    assert len(process.notes("stopped")) == 1
    process.account(drill.ledger)
    await queues.account()
    drill.check(within=2)


async def test_run_twice(drill, queues, worker):
    """`app.run()` twice in one process."""
    ids = await queues.publish("drill", range(1000))
    async with worker("twice") as process:
        await process.noted("ran")
        drill.broken()
        # The second run may have handled all the others by now.
        ids |= await queues.publish("drill", range(1000, 1100))
        await process.handled(ids)
        drill.recovered()
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    assert process.complaints == []
    process.account(drill.ledger)
    await queues.account()
    drill.check(within=10)


async def talk(drill, queues, worker, stdout):
    """Have a worker log half a megabyte, and stop it; return the ids of what it logged about."""
    ids = await queues.publish("drill", range(1000))
    async with worker("talking", stdout=stdout) as process:
        await process.handled(ids)
        drill.broken()
        process.send(signal.SIGTERM)
        assert await ended(drill, process) == 0
        process.account(drill.ledger)
    await queues.account()
    return ids


async def test_stdout_is_a_file(drill, queues, worker, tmp_path):
    """Stdout is a file: each line is there, and whole."""
    with (tmp_path / "output").open("wb") as output:
        ids = await talk(drill, queues, worker, output.fileno())
    lines = (tmp_path / "output").read_text().splitlines()
    texts = [json.loads(line)["msg"] for line in lines]
    logged = [text.split()[1] for text in texts if text.startswith("message ")]
    assert (len(logged), set(logged)) == (len(ids), ids)
    drill.check(within=5)


async def test_stdout_is_a_full_pipe(drill, queues, worker):
    """Stdout is a pipe that nobody reads."""
    reader, writer = os.pipe()
    try:
        await talk(drill, queues, worker, writer)
    finally:
        os.close(writer)
        os.close(reader)
    # Three seconds of it are for a reader that may come back.
    drill.check(within=10)


async def test_stdout_is_a_closed_pipe(drill, queues, worker):
    """Stdout is a pipe that is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        await talk(drill, queues, worker, writer)
    finally:
        os.close(writer)
    drill.check(within=5)


@asynccontextmanager
async def event_server():
    """Send numbered events without end."""

    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        start = int(request.headers.get("Last-Event-ID", "0")) + 1
        try:
            for number in itertools.count(start):
                await response.write(f"id: {number}\ndata: {number}\n\n".encode())
        except ConnectionError:
            return response

    application = web.Application()
    application.router.add_get("/events", stream)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def ask(client, numbers, answered):
    """Ask one number after the other, until nobody answers any more."""
    try:
        for number in numbers:
            async with client.get(f"/numbers/{number}") as response:
                assert (await response.json()) == {"number": number}
                answered.add(number)
    except ClientConnectionError:
        pass


async def test_three_kinds_stopped(drill, queues, worker):
    """SIGTERM under load on a queue, an event stream and URLs."""
    await queues.publish("drill", range(3000))
    answered, numbers = set(), itertools.count()
    async with event_server() as streams, worker("three_kinds", STREAMS=streams) as process:
        url = f"http://127.0.0.1:{await process.port()}"
        async with ClientSession(url) as client, asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ask(client, numbers, answered))
            for kind, count in {"followed": 50, "answered": 50, "handled": 100}.items():
                await process.noted(kind, count)
            drill.broken()
            process.send(signal.SIGTERM)
            assert await ended(drill, process) == 0
    assert process.complaints == []
    followed = [note["number"] for note in process.notes("followed")]
    assert followed == list(range(1, len(followed) + 1))
    assert {note["number"] for note in process.notes("answered")} == answered
    process.account(drill.ledger)
    await queues.account()
    assert drill.ledger.left
    drill.check(within=5)
