"""The READMEs that this project took its API from: their code runs as it stands there.

Only hosts, and what a block leaves out (an app, a logger, a list of messages), are put in.
Where the two contradict each other the long one, which is newer, holds: handlers get a list.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
import typing
from pathlib import Path
from types import SimpleNamespace

import aio_pika
import pytest
from aiohttp import ClientSession, web

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.logs import logger
from asyncworker.utils import Timeit

HERE = Path(__file__).parent
BLOCK = re.compile(r"^## (.+?)\n\n```python\n(.*?)```", re.MULTILINE | re.DOTALL)
LONG = dict(BLOCK.findall((HERE / "long.md").read_text()))
SHORT = dict(BLOCK.findall((HERE / "short.md").read_text()))
LIMIT = 60.0
MAKES_A_LOOP = "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())\n"
"""What a script needs above get_event_loop() since Python 3.14, which makes none any more."""


@pytest.fixture(scope="module")
def node(private_node):
    for vhost in ("fluentd", "b"):
        private_node.add_vhost(vhost)
    yield private_node
    for vhost in ("fluentd", "b"):
        private_node.ctl("delete_vhost", vhost)


@pytest.fixture
async def channel(node):
    """Opens an observer's channel to a vhost."""
    opened = []

    async def channel(vhost="/"):
        url = node.url + vhost.removeprefix("/")
        opened.append(await aio_pika.connect(url))
        return await opened[-1].channel()

    yield channel
    for connection in opened:
        await connection.close()


@pytest.fixture
def app(node):
    connection = AMQPConnection(url=node.url, prefetch=2000)
    return App(connections=[connection])


@pytest.fixture
def run_block(node):
    """Runs a block with its host substituted, and returns the names that it defined."""

    def run_block(block, **names):
        block = block.replace('host="127.0.0.1"', f'host="127.0.0.1:{node.port}"')
        names.setdefault("logger", logger)
        exec(compile(block, "seed", "exec"), names)
        return SimpleNamespace(**names)

    return run_block


async def declare(channel, *queues):
    for queue in queues:
        await channel.declare_queue(queue, durable=True)


async def publish(channel, queue, *bodies):
    for body in bodies:
        await channel.default_exchange.publish(aio_pika.Message(body), routing_key=queue)


async def take(channel, queue):
    """The next message of a queue, as soon as there is one."""
    arrived = asyncio.Queue()
    found = await channel.get_queue(queue)
    tag = await found.consume(arrived.put, no_ack=True)
    async with asyncio.timeout(LIMIT):
        message = await arrived.get()
    await found.cancel(tag)
    return message


def waiting(function):
    """Wraps a handler, so that a test can wait for each of its ends."""
    ends = asyncio.Semaphore(0)

    async def wrapped(messages):
        try:
            return await function(messages)
        finally:
            ends.release()

    return wrapped, ends


@pytest.fixture
def observed(app):
    """Lets a test wait until a handler of the app ended: its route's handler is wrapped."""

    def observe(target=app):
        route = target.routes[-1]
        handler, ends = waiting(route.handler)
        object.__setattr__(route, "handler", handler)
        return ends

    return observe


async def ended(ends):
    async with asyncio.timeout(LIMIT):
        await ends.acquire()


@pytest.mark.parametrize(
    "block",
    [LONG["rabbitmq"], SHORT["rabbitmq"], LONG["0.1 form"], LONG["0.2 form"]],
    ids=["long", "short", "0.1", "0.2"],
)
async def test_a_worker_reads_both_queues(run_block, observed, channel, capsys, block):
    fluentd = await channel("fluentd")
    await declare(fluentd, "asgard/counts", "asgard/counts/errors")
    seed = run_block(block, message=SimpleNamespace(body="free variable of the block"))
    for queue in ("asgard/counts", "asgard/counts/errors"):
        handled = observed(seed.app)
        async with seed.app.started():
            await publish(fluentd, queue, b'{"dog": "Xablau"}')
            await ended(handled)
        left = await fluentd.declare_queue(queue, passive=True)
        assert left.declaration_result.message_count == 0
    if "print" in block:
        assert "'dog': 'Xablau'" in capsys.readouterr().out


async def test_the_main_module_runs_the_app_and_ends_on_a_signal(node, channel, tmp_path):
    fluentd = await channel("fluentd")
    await declare(fluentd, "asgard/counts", "asgard/counts/errors")
    worker = LONG["rabbitmq"].replace('host="127.0.0.1"', f'host="127.0.0.1:{node.port}"')
    (tmp_path / "myworker.py").write_text(
        worker.replace("print(message)", "print(message, flush=True)")
    )
    (tmp_path / "main.py").write_text(LONG["main"])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "main.py", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(LIMIT):
        await publish(fluentd, "asgard/counts", b'{"dog": "Xablau"}')
        while b"'dog': 'Xablau'" not in await process.stdout.readline():
            pass
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors


@pytest.fixture
async def event_server():
    """A server that sends events once, and keeps the stream open."""

    closing = asyncio.Event()

    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS)
        await closing.wait()
        return response

    application = web.Application()
    application.router.add_get("/v2/events", stream)
    application.router.add_get("/sse", stream)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    closing.set()
    await runner.cleanup()


EVENTS = b"""event: deployment_info
data: {"plan": {"id": "plan-1"}}

event: deployment_success
data: {"id": "deployment-1"}

event: status_update_event
data: {"appId": "/app",
data: "taskId": "task-1", "taskStatus": "TASK_RUNNING"}

event: other
data: {}

"""


async def test_a_worker_reads_events_two_by_two(run_block, observed, event_server, capsys):
    block = LONG["sse"].replace("http://172.18.0.31:8080/", event_server)
    seed = run_block(block)
    handled = observed(seed.app)
    async with seed.app.started():
        for _ in range(2):
            await ended(handled)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "Events received: 2 ['deployment_info', 'deployment_success']",
        "Event Received: deployment_info plan-1",
        "Event Received: deployment_success deployment-1",
        "Events received: 2 ['status_update_event', 'other']",
        "Event Received: status_update_event app=/app, task=task-1 (TASK_RUNNING)",
        "Event Received: other ",
    ]


async def test_a_handler_of_0_6_has_a_route_type(run_block, observed, event_server):
    app = App(connections=[SSEConnection(url=event_server)])
    run_block(LONG["0.6 form"], app=app)
    handled = observed(app)
    async with app.started():
        await ended(handled)


async def test_a_worker_answers_requests(run_block, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "0")
    app = App()
    seed = run_block(LONG["http"], app=app)
    assert seed.app is app
    async with app.started(), ClientSession(app.http.url) as client:
        for path in ("/", "/hello"):
            async with client.get(path) as response:
                assert (response.status, await response.text()) == (200, "Hello world")


async def test_one_app_answers_requests_and_reads_a_queue(node, channel):
    admin = await channel()
    await declare(admin, "words_to_index")
    block = LONG["http and rabbitmq"].replace('host="localhost"', f'host="127.0.0.1:{node.port}"')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-c",
        block,
        env=os.environ | {"ASYNCWORKER_HTTP_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT):
        while not (url := re.search(rb"http://127.0.0.1:[0-9]+", await process.stdout.readline())):
            pass
        async with ClientSession(url.group().decode()) as client, client.get("/hello") as response:
            assert await response.text() == "Hello world"
        await publish(admin, "words_to_index", b'"word"')
        while b"body='word'" not in await process.stdout.readline():
            pass
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    await admin.queue_delete("words_to_index")


async def test_success_and_exception_have_actions_of_their_own(app, run_block, observed, channel):
    admin = await channel()
    await declare(admin, "queue1", "queue2")
    run_block(LONG["events"], app=app)
    handled = observed()
    async with app.started():
        await publish(admin, "queue2", b"1")
        await ended(handled)
    left = await admin.declare_queue("queue2", passive=True)
    assert left.declaration_result.message_count == 0


@pytest.mark.parametrize(("block", "vhost"), [("put", "/"), ("put to another vhost", "b")])
async def test_a_consumer_publishes(app, run_block, channel, block, vhost):
    admin, target = await channel(), await channel(vhost)
    await declare(admin, "queue1", "queue2")
    await target.declare_exchange("queue2_exchange", "direct")
    bound = await target.declare_queue("bound")
    await bound.bind("queue2_exchange", "queue2_routing_key")
    run_block(LONG[block], app=app)
    async with app.started():
        await publish(admin, "queue1", b"1")
        message = await take(target, "bound")
    assert message.body == b'{"dog":"Xablau"}'
    await bound.delete()
    await target.exchange_delete("queue2_exchange")


async def test_a_handler_waits_for_a_thousand_items(app, run_block, observed, channel):
    admin = await channel()
    await declare(admin, "thousand")
    batches = []
    # The block leaves the routes open, and reads a variable of its reader's.
    block = LONG["bulk"].replace("...", '["thousand"], type=RouteTypes.AMQP_RABBITMQ', 1)
    seed = run_block(block, app=app, RouteTypes=RouteTypes, messages=[], message=None)
    assert seed._handler is app.routes[-1].handler

    async def count(messages):
        batches.append(len(messages))

    object.__setattr__(app.routes[-1], "handler", count)
    handled = observed()
    async with app.started():
        await publish(admin, "thousand", *[b"1"] * 1000)
        await ended(handled)
    assert batches == [1000]
    await admin.queue_delete("thousand")


async def test_handlers_share_the_state_of_the_app(app, run_block, observed, channel):
    admin = await channel()
    await declare(admin, "words_to_index")
    run_block(LONG["state"], app=app)
    run_block(textwrap.dedent(LONG["state in a handler"]), app=app, RouteTypes=RouteTypes)
    handled = observed()
    async with app.started():
        await publish(admin, "words_to_index", b'"word"')
        await ended(handled)
    assert app["processed_messages"] == 1


class Redis:
    """Stands for a client library that is no more."""

    def __init__(self):
        self.calls = []

    async def create_pool(self, address):
        self.calls.append(address)
        return self

    def close(self):
        self.calls.append("close")

    async def wait_closed(self):
        self.calls.append("wait_closed")


async def test_hooks_open_and_close_what_handlers_share(app, run_block, monkeypatch):
    redis = Redis()
    monkeypatch.setitem(sys.modules, "aioredis", redis)
    run_block(
        LONG["startup hook"].replace("app.run()", "").replace("from asyncworker import App", ""),
        app=app,
    )
    run_block(LONG["shutdown hook"], app=app)
    async with app.started():
        assert redis.calls == ["redis://localhost"]
    assert redis.calls == ["redis://localhost", "close", "wait_closed"]


def test_a_handler_of_0_2_is_typed(app, run_block):
    seed = run_block(LONG["0.2 handler"], List=typing.List)  # noqa: UP006 (as the block has it)
    app.route(["queue1"], type=RouteTypes.AMQP_RABBITMQ)(seed.handler)


@pytest.mark.parametrize("name", ["timeit", "timeit with keywords"])
@pytest.mark.parametrize("fails", [False, True])
async def test_timeit_reports_from_a_handler(node, run_block, observed, channel, name, fails):
    admin = await channel()
    await declare(admin, "xablau-queue")
    app = App(host=f"127.0.0.1:{node.port}", user="guest", password="guest", prefetch_count=256)
    logged = []

    class Logger:
        async def info(self, entry):
            logged.append(entry)

        async def error(self, entry, exc_info):
            logged.append((entry, exc_info[0]))

    async def access_some_remote_content():
        if fails and not logged:
            raise OSError("on purpose")

    run_block(
        SHORT[name],
        app=app,
        logger=Logger(),
        access_some_remote_content=access_some_remote_content,
    )
    handled = observed(app)
    async with app.started():
        await publish(admin, "xablau-queue", b"1")
        await ended(handled)
    entry = logged[0][0] if fails else logged[0]
    assert entry["name"] == "xablau-access-time"
    assert entry["time_delta"] > 0
    assert entry.get("dog") == ("Xablau" if "keywords" in name else None)
    assert not fails or logged[0][1] is OSError
    await admin.queue_delete("xablau-queue")


async def test_timeit_decorates_a_handler(app, run_block, observed, channel):
    admin = await channel()
    await declare(admin, "xablau-queue")
    reports = []

    async def log_callback(**report):
        reports.append(report)

    async def access_some_remote_content():
        pass

    run_block(
        LONG["timeit as a decorator"],
        app=app,
        RouteTypes=RouteTypes,
        Timeit=Timeit,
        log_callback=log_callback,
        access_some_remote_content=access_some_remote_content,
    )
    handled = observed()
    async with app.started():
        await publish(admin, "xablau-queue", b"1")
        await ended(handled)
    (report,) = reports
    assert set(report) == {"transactions", "exc_type", "exc_val", "exc_tb"}
    assert set(report["transactions"]) == {"xablau-access-time"}
    await admin.queue_delete("xablau-queue")


async def test_timeit_gathers_transactions(run_block, capsys):
    seed = run_block("import asyncio\n" + LONG["timeit with transactions"], Timeit=Timeit)
    await seed.foo()
    report = eval(capsys.readouterr().out)
    times = report["transactions"]
    assert set(report) == {"transactions", "exc_type", "exc_val", "exc_tb"}
    assert 0.1 <= times["c"] < times["b"] < times["a"]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("timeit", "'exc_type': None"),
        ("timeit with an exception", "'exc_type': <class 'KeyError'>"),
    ],
)
def test_timeit_as_a_script(name, printed):
    script = LONG[name] if sys.version_info < (3, 14) else MAKES_A_LOOP + LONG[name]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "{'transactions': {'xablau': " in done.stdout
    assert printed in done.stdout
    assert ("KeyError: 'error'" in done.stderr) == ("exception" in name)
