"""The command with real backends: one port for several processes, checks, a new project."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import aio_pika
import pytest
from aiohttp import ClientSession, web
from yarl import URL

from scripts.rabbitmq.probe import free_ports

EXAMPLES = Path(__file__).parent.parent / "examples"
LIMIT = 60.0

HTTP_APP = """
import os
from asyncworker import App

app = App()

@app.http.get("/")
async def index():
    return str(os.getpid())

@app.http.delete("/")
async def crash():
    os._exit(1)
"""


class Command:
    """A process of `asyncworker`, read line by line."""

    def __init__(self, process):
        self._process = process
        self.lines = []

    async def printed(self, text):
        """Wait until a line of stdout holds the text, and return the line."""
        async with asyncio.timeout(LIMIT):
            while line := (await self._process.stdout.readline()).decode():
                self.lines.append(line)
                if text in line:
                    return line
        raise AssertionError(f"stdout ended without {text!r}: {self.lines}")

    async def started(self, count):
        """Wait until so many processes more take work."""
        for _ in range(count):
            await self.printed('"started; routes')

    def send(self, number):
        self._process.send_signal(number)

    async def end(self):
        """Exit code, the rest of stdout, and stderr."""
        async with asyncio.timeout(LIMIT):
            out, err = await self._process.communicate()
        return self._process.returncode, out.decode(), err.decode()

    async def close(self):
        if self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


@pytest.fixture
async def command(tmp_path):
    """Run `asyncworker` in a folder with the module `shop`."""
    commands = []

    async def start(module, *arguments, **environment):
        (tmp_path / "shop.py").write_text(dedent(module))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "asyncworker",
            *arguments,
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        commands.append(Command(process))
        return commands[-1]

    yield start
    for one in commands:
        await one.close()


# One port


async def url_of(parent):
    line = json.loads(await parent.printed('"listening on '))
    return line["msg"].split()[-1]


async def get(url):
    """Return the answer on a connection of its own."""
    async with asyncio.timeout(LIMIT), ClientSession() as client, client.get(url) as response:
        return await response.text()


async def answering(url, count):
    """Return the pids that answer, when there are so many."""
    pids = set()
    async with asyncio.timeout(LIMIT):
        while len(pids) < count:
            # All at once, as one process alone takes what comes one by one.
            pids |= set(await asyncio.gather(*(get(url) for _ in range(8))))
    return pids


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_all_processes_serve_the_one_free_port_that_was_taken(command, loop):
    arguments = ["run", "shop", "--workers", "3", "--loop", loop]
    parent = await command(HTTP_APP, *arguments, ASYNCWORKER_HTTP_PORT="0")
    url = await url_of(parent)
    await parent.started(1)
    assert {await url_of(parent), await url_of(parent)} == {url}
    assert len(await answering(url, 3)) == 3
    parent.send(signal.SIGTERM)
    code, _, errors = await parent.end()
    assert (code, errors) == (0, "")
    assert not can_connect(url)


def can_connect(url):
    with socket.socket() as client:
        return client.connect_ex((URL(url).host, URL(url).port)) == 0


async def test_clients_are_answered_while_a_process_is_started_again(command):
    parent = await command(HTTP_APP, "run", "shop", "--workers", "1", ASYNCWORKER_HTTP_PORT="0")
    url = await url_of(parent)
    await parent.started(1)
    first = await get(url)
    os.kill(int(first), signal.SIGKILL)
    # It waits in the queue of the socket, which the parent keeps.
    second = await get(url)
    assert second != first
    parent.send(signal.SIGTERM)
    assert (await parent.end())[0] == 0


async def test_every_address_of_a_host_is_shared(command):
    two = {"ASYNCWORKER_HTTP_HOST": "localhost", "ASYNCWORKER_HTTP_PORT": "0"}
    parent = await command(HTTP_APP, "run", "shop", "--workers", "2", **two)
    url = await url_of(parent)
    await parent.started(2)
    assert await get(url)
    parent.send(signal.SIGTERM)
    code, _, errors = await parent.end()
    assert (code, errors) == (0, "")


async def test_a_port_that_is_taken_is_said_once_and_ends_the_parent(command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        parent = await command(
            HTTP_APP, "run", "shop", "--workers", "3", ASYNCWORKER_HTTP_PORT=port
        )
        code, _, errors = await parent.end()
    (line,) = errors.splitlines()
    assert f"127.0.0.1:{port} is taken" in json.loads(line)["msg"]
    assert code == 1


async def test_a_port_that_other_workers_hold_is_taken_as_well(command):
    first = await command(HTTP_APP, "run", "shop", "--workers", "2", ASYNCWORKER_HTTP_PORT="0")
    port = str(URL(await url_of(first)).port)
    await first.started(2)
    second = await command(HTTP_APP, "run", "shop", "--workers", "2", ASYNCWORKER_HTTP_PORT=port)
    code, _, errors = await second.end()
    assert f"127.0.0.1:{port} is taken" in errors
    assert code == 1
    first.send(signal.SIGTERM)
    assert (await first.end())[0] == 0


async def test_sockets_that_are_none_are_one_line(command):
    process = await command(HTTP_APP, "run", "shop", ASYNCWORKER_HTTP_SOCKETS="99")
    code, _, errors = await process.end()
    reason = "cannot listen on ASYNCWORKER_HTTP_SOCKETS=99: Bad file descriptor"
    assert (json.loads(errors)["msg"], code) == (reason, 1)


async def test_the_port_stays_the_same_over_a_reload(command, tmp_path):
    pytest.importorskip("watchfiles")
    parent = await command(HTTP_APP, "run", "shop", "--reload", ASYNCWORKER_HTTP_PORT="0")
    url = await url_of(parent)
    await parent.started(1)
    draft = tmp_path / "draft"
    draft.write_text(HTTP_APP.replace("str(os.getpid())", "'the new code'"))
    draft.replace(tmp_path / "shop.py")
    assert await url_of(parent) == url
    assert await get(url) == "the new code"
    parent.send(signal.SIGTERM)
    assert (await parent.end())[0] == 0


# check

CHECKED = """
import os
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])

@app.run_on_startup
def hook(app):
    print("a hook was called")
"""

QUEUES = """
@app.route(os.environ["QUEUES"].split(), type=RouteTypes.AMQP_RABBITMQ)
async def handle(messages):
    print("a message was handled")
"""


@pytest.fixture
async def queue(amqp_url):
    """The name of a queue that holds a message."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue(name, durable=True)
        await channel.default_exchange.publish(aio_pika.Message(b"1"), name)
        yield name
        left = await channel.queue_delete(name)
        assert left.message_count == 1


async def test_queues_that_exist_are_ok_and_keep_their_messages(command, amqp_url, queue):
    process = await command(CHECKED + QUEUES, "check", "shop", URL=amqp_url, QUEUES=queue)
    assert await process.end() == (0, "ok, routes: 1\n", "")


async def test_each_queue_that_is_missing_is_a_line(command, amqp_url, queue):
    queues = f"first-missing {queue} second-missing"
    process = await command(CHECKED + QUEUES, "check", "shop", URL=amqp_url, QUEUES=queues)
    code, output, _ = await process.end()
    vhost = repr(str(URL(amqp_url).path.removeprefix("/") or "/"))
    assert output.splitlines() == [
        f"queue '{name}-missing', vhost {vhost}: the queue does not exist: create it, "
        f"or pass Queue('{name}-missing') to have it declared"
        for name in ("first", "second")
    ]
    assert code == 1


async def test_a_wrong_password_is_a_line_that_does_not_show_it(command, amqp_url):
    url = str(URL(amqp_url).with_password("hush-hush"))
    process = await command(CHECKED + QUEUES, "check", "shop", URL=url, QUEUES="a")
    code, output, errors = await process.end()
    assert "the broker refuses user" in output
    assert "hush-hush" not in output + errors
    assert (len(output.splitlines()), code) == (1, 1)


async def test_a_connection_without_routes_is_tried(command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    process = await command(CHECKED, "check", "shop", URL=f"amqp://127.0.0.1:{port}")
    code, output, errors = await process.end()
    assert errors == ""
    assert output.startswith(f"cannot connect to amqp://guest@127.0.0.1:{port}, vhost '/': ")
    assert (len(output.splitlines()), code) == (1, 1)


NAMED_OUTSIDE = """
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

app = App(connections=[AMQPConnection(), SSEConnection()])

@app.route(["/missing"], type=RouteTypes.SSE)
async def handle(events):
    print("an event was handled")
"""


async def test_connections_that_the_environment_names_are_tried(command, amqp_url):
    async with stream_server() as (url, _):
        urls = {"ASYNCWORKER_AMQP_URL": amqp_url, "ASYNCWORKER_SSE_URL": url}
        process = await command(NAMED_OUTSIDE, "check", "shop", **urls)
        problem = f"stream {url}/missing: the server answered 404 Not Found\n"
        assert await process.end() == (1, problem, "")


async def test_connections_that_nobody_names_are_one_line(command, monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_AMQP_URL", raising=False)
    process = await command(NAMED_OUTSIDE, "check", "shop")
    code, _, errors = await process.end()
    assert "AMQPConnection needs hostname= or url=, or set ASYNCWORKER_AMQP_URL" in errors
    assert (len(errors.splitlines()), code) == (1, 1)


async def test_a_server_that_says_nothing_takes_no_longer_than_the_time_limit(command):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://127.0.0.1:{silent.getsockname()[1]}"
        process = await command(CHECKED, "check", "shop", "--timeout", "0.2", URL=url)
        code, output, _ = await process.end()
    assert output == "RouteTypes.AMQP_RABBITMQ: no answer within 0.2 s\n"
    assert code == 1


async def test_a_taken_port_is_a_line(command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        process = await command(HTTP_APP, "check", "shop", ASYNCWORKER_HTTP_PORT=port)
        code, output, _ = await process.end()
    assert output.startswith(f"127.0.0.1:{port} is taken: ")
    assert (len(output.splitlines()), code) == (1, 1)


async def test_a_free_port_is_ok(command):
    process = await command(HTTP_APP, "check", "shop", ASYNCWORKER_HTTP_PORT="0")
    assert await process.end() == (0, "ok, routes: 2\n", "")


STREAMS = """
import os
from asyncworker import App, RouteTypes
from asyncworker.connections import SSEConnection

app = App(connections=[SSEConnection(url=os.environ["URL"])])

@app.route(["/good", "/missing", "/html"], type=RouteTypes.SSE)
async def handle(events):
    print("an event was handled")
"""


@asynccontextmanager
async def stream_server():
    left = asyncio.Event()

    async def good(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await asyncio.sleep(LIMIT)
        finally:
            left.set()
        return response

    async def html(request):
        return web.Response(text="<p>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/good", good)
    application.router.add_get("/html", html)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", left
    await runner.cleanup()


async def test_each_stream_that_is_not_there_is_a_line_and_the_others_are_left(command):
    async with stream_server() as (url, left):
        process = await command(STREAMS, "check", "shop", URL=url)
        code, output, _ = await process.end()
        content_type = "the server answered with content type 'text/html; charset=utf-8'"
        reason = f"{content_type}, which is not text/event-stream"
        assert output.splitlines() == [
            f"stream {url}/missing: the server answered 404 Not Found",
            f"stream {url}/html: {reason}",
        ]
        assert code == 1
        async with asyncio.timeout(LIMIT):
            await left.wait()


# routes


async def test_the_table_shows_what_each_backend_adds(command):
    module = CHECKED + QUEUES + '@app.http.post(["/a", "/b"])\nasync def add(): ...\n'
    url = "amqp://user:hush-hush@127.0.0.1/shop"
    process = await command(module, "routes", "shop", URL=url, QUEUES="first second")
    code, output, _ = await process.end()
    _, queues, paths = (line.split() for line in output.splitlines())
    connection = "AMQPConnection('amqp://user@127.0.0.1:5672')"
    assert queues == ["AMQP_RABBITMQ", "first,", "second", "shop.handle", "vhost=shop", connection]
    assert paths == ["HTTP", "/a,", "/b", "shop.add", "methods=POST"]
    assert code == 0


# new


@pytest.fixture
async def parcels(amqp_url):
    """A channel, with the queue of the new project as that declares it."""
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "parcels.dead"}
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("parcels", durable=True, arguments=arguments)
        yield channel
        for name in ("parcels", "parcels.dead"):
            await channel.queue_delete(name)


async def test_a_new_project_handles_messages_and_passes_its_test(
    command, tmp_path, amqp_url, parcels
):
    code, _, errors = await (await command("", "new", "parcels")).end()
    assert (code, errors) == (0, "")
    tested = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", cwd=tmp_path / "parcels"
    )
    async with asyncio.timeout(LIMIT):
        assert await tested.wait() == 0
    broker = {"ASYNCWORKER_AMQP_URL": amqp_url}
    checked = await command("", "check", "parcels/worker.py", **broker)
    assert await checked.end() == (0, "ok, routes: 1\n", "")
    worker = await command("", "run", "parcels/worker.py", **broker)
    for body in (b'{"id": 7}', b"{}"):
        await parcels.default_exchange.publish(aio_pika.Message(body), "parcels")
    await worker.printed("handled 7")
    worker.send(signal.SIGTERM)
    code, _, errors = await worker.end()
    assert (code, errors) == (0, "")
    for name, count in (("parcels", 0), ("parcels.dead", 1)):
        queue = await parcels.declare_queue(name, passive=True)
        assert queue.declaration_result.message_count == count


# manifest

WORKING = """
import asyncio
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

broker = AMQPConnection(url="memory://", prefetch=10)
app = App(connections=[broker])

@app.run_on_startup
async def order(app):
    await broker.put({}, routing_key="orders")

@app.route([Queue("orders")], type=RouteTypes.AMQP_RABBITMQ)
async def store(message):
    await asyncio.sleep(0.02)
    await order(app)
    print("stored", flush=True)
"""


async def test_a_running_worker_says_how_fast_its_handlers_are(command):
    [port] = free_ports(1)
    worker = await command(WORKING, "run", "shop", ASYNCWORKER_MONITOR_PORT=str(port))
    # One at a time: when the third one ends, the first one has ended.
    for _ in range(3):
        await worker.printed("stored")
    arguments = ("manifest", "shop", "--kind", "keda", "--from", f"http://127.0.0.1:{port}")
    code, output, errors = await (await command(WORKING, *arguments)).end()
    assert (code, errors) == (0, "")
    [[seconds, target]] = re.findall(r"#   10 x 1 / ([\d.]+) s x 30 s = (\d+)\n", output)
    assert float(seconds) >= 0.02
    assert int(target) == pytest.approx(10 / float(seconds) * 30, rel=0.01)
    worker.send(signal.SIGTERM)
    code, _, errors = await worker.end()
    assert (code, errors) == (0, "")


# The example


async def test_the_example_runs_in_several_processes(command):
    example = str(EXAMPLES / "command_line.py")
    parent = await command("", "run", example, "--workers", "2", ASYNCWORKER_HTTP_PORT="0")
    url = await url_of(parent)
    await parent.started(2)
    assert json.loads(await get(url))["process"] > 0
    parent.send(signal.SIGTERM)
    code, _, errors = await parent.end()
    assert (code, errors) == (0, "")
