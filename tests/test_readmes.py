"""The Python of READMEs and examples runs, and its workers handle messages."""

import asyncio
import importlib
import re
import signal
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import aio_pika
import pytest
from aiohttp import ClientSession, web

from asyncworker import App, RouteTypes, connections
from tests.faults.waiting import until
from tests.faults.worker import Worker

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SOURCES = [
    "README.md",
    "packages/core/README.md",
    "packages/rabbitmq/README.md",
    "examples/ten_lines.py",
]
LIMIT = 60.0


class Database:
    """What the READMEs leave to their readers."""

    async def insert(self, rows):
        pass

    async def close(self):
        pass


async def open_database():
    return Database()


@pytest.fixture(scope="module")
def node(private_node):
    private_node.add_vhost("fluentd")
    yield private_node
    private_node.ctl("delete_vhost", "fluentd")


@pytest.fixture
def apps(node, monkeypatch):
    """The apps that the blocks run: kept for the test to run them, on its own broker."""
    apps = []
    monkeypatch.setattr(App, "run", lambda self: apps.append(self))
    monkeypatch.setattr("asyncworker.rabbitmq.address.PORTS", {"amqp": node.port, "amqps": 5671})
    return apps


def observe(app):
    """Count the messages that each handler is given, and say when one ended."""
    ended = asyncio.Queue()

    def observed(handler):
        async def handle(messages):
            await handler(messages)
            ended.put_nowait(len(messages))

        return handle

    for route in app.routes:
        object.__setattr__(route, "handler", observed(route.handler))
        object.__setattr__(
            route, "options", route.options.model_copy(update={"bulk_flush_interval": 0.1})
        )
    return ended


def blocks_of(source):
    text = (ROOT / source).read_text()
    return [text] if source.endswith(".py") else BLOCK.findall(text)


@pytest.mark.parametrize("source", SOURCES)
async def test_the_workers_of_readmes_and_examples_handle_messages(source, apps, node):
    names = {"open_database": open_database, "RouteTypes": RouteTypes}
    for block in blocks_of(source):
        exec(compile(block, source, "exec"), names)
    if source == "packages/core/README.md":
        await names["test_a_parcel_has_a_receipt"]()
    (app,) = apps
    queues = {(route.vhost, name) for route in app.routes for name in route.routes}
    declared = {(route.vhost, name) for route in app.routes for name in route.topology}
    ended = observe(app)
    async with asyncio.timeout(LIMIT):
        for vhost, queue in (queues | {("/", "invoices")}) - declared:
            url = node.url + vhost.removeprefix("/")
            async with await aio_pika.connect(url) as connection, connection.channel() as channel:
                await channel.declare_queue(queue, durable=True)
        async with app.started():
            for vhost, queue in queues:
                await app["rabbitmq_connection"].put(body=1, routing_key=queue, vhost=vhost)
                assert await ended.get() == 1
    for vhost, queue in queues | {("/", "invoices")}:
        url = node.url + vhost.removeprefix("/")
        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            await channel.queue_delete(queue)


@pytest.fixture
def run_blocks(monkeypatch):
    """Run the blocks of a README, and keep the app that they would run."""
    apps = []
    monkeypatch.setattr(App, "run", lambda self: apps.append(self))

    def run_blocks(source, **names):
        for block in blocks_of(source):
            exec(compile(block, source, "exec"), names)
        (app,) = apps
        return app

    return run_blocks


async def test_the_http_readme_answers_requests(run_blocks, monkeypatch, tmp_path):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "file").write_text("static file")

    @web.middleware
    async def stamp(request, handler):
        response = await handler(request)
        response.headers["X-Stamp"] = "stamped"
        return response

    async def websocket(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("echo")
        await socket.close()
        return socket

    names = {"__name__": "readme", "stamp": stamp, "admin": web.Application, "websocket": websocket}
    monkeypatch.setitem(sys.modules, "readme", SimpleNamespace(**names))
    app = run_blocks("packages/http/README.md", **names)
    async with app.started(), ClientSession(app.http.url) as client:
        async with client.get("/hello") as response:
            assert await response.text() == "Hello world"
            assert response.headers["X-Stamp"] == "stamped"
        async with client.post("/customers/7/orders", json={"product": "tea"}) as response:
            assert response.status == 201
            assert await response.json() == {
                "customer": 7,
                "order": {"product": "tea", "amount": 1},
                "dry_run": False,
            }
        async with client.get("/static/file") as response:
            assert await response.text() == "static file"
        async with client.ws_connect("/echo") as socket:
            assert await socket.receive_str() == "echo"


async def test_the_sse_readme_follows_a_stream(run_blocks, monkeypatch, capsys):
    printed = asyncio.Event()

    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n")
        await printed.wait()
        return response

    application = web.Application()
    application.router.add_get("/v2/events", stream)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    real = connections.SSEConnection
    monkeypatch.setattr(
        connections,
        "SSEConnection",
        lambda url: real(url=url.replace(":8080", f":{port}")),
        raising=False,
    )
    app = run_blocks("packages/sse/README.md")
    (route,) = app.routes
    handler = route.handler

    async def observed(events):
        await handler(events)
        printed.set()

    object.__setattr__(route, "handler", observed)
    async with app.started(), asyncio.timeout(LIMIT):
        await printed.wait()
    await runner.cleanup()
    assert capsys.readouterr().out == "a 1\nb 2\n"


@pytest.mark.parametrize("where", ["memory", "rabbitmq"])
async def test_the_demo_shows_messages_until_ctrl_c(where, request, tmp_path):
    url = "" if where == "memory" else request.getfixturevalue("amqp_url")
    environment = {"ASYNCWORKER_AMQP_URL": url}
    script = ROOT / "examples" / "demo.py"
    async with Worker.started(script, tmp_path / "record", environment) as demo:
        await until(lambda: sum("handled" in line for line in demo.output) > 1, "two messages")
        demo.send(signal.SIGINT)
        assert await demo.end() == 0
    assert {entry["level"] for entry in demo.log} == {"INFO"}
    assert demo.output[-1].startswith("done: ")


@pytest.mark.parametrize("package", sorted(path.name for path in (ROOT / "packages").iterdir()))
def test_every_package_says_the_same_of_itself_everywhere(package):
    folder = ROOT / "packages" / package
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    name = project["project"]["name"]
    scope = {}
    exec((folder / project["tool"]["hatch"]["version"]["path"]).read_text(), scope)
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert f"## [{scope['__version__']}]" in (folder / "CHANGELOG.md").read_text()
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert f"(packages/{package}/README.md) | `{name}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("package", ["core", "http"])
def test_every_setting_is_in_the_readme(package):
    module = "asyncworker.settings" if package == "core" else f"asyncworker.{package}.settings"
    settings = importlib.import_module(module)
    readme = (ROOT / "packages" / package / "README.md").read_text()
    for field in settings.Settings.model_fields:
        assert f"| `{settings.PREFIX}{field.upper()}` |" in readme


def test_the_page_on_reliability_tells_the_defaults():
    page = (ROOT / "docs" / "reliability.md").read_text()
    told = dict(re.findall(r"^\| `(ASYNCWORKER_\w+)` \|.*\| (\S+) \|$", page, re.MULTILINE))
    modules = ["asyncworker.settings", "asyncworker.http.settings"]
    defaults = {
        f"{module.PREFIX}{name.upper()}": field.default
        for module in map(importlib.import_module, modules)
        for name, field in module.Settings.model_fields.items()
    }
    assert told
    assert {name: float(text) for name, text in told.items()} == {
        name: defaults[name] for name in told
    }
