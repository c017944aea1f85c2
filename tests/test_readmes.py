"""The Python of READMEs and examples runs, and its workers handle messages."""

import asyncio
import re
import tomllib
from pathlib import Path

import aio_pika
import pytest

from asyncworker import App, RouteTypes

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
    (app,) = apps
    queues = {(route.vhost, name) for route in app.routes for name in route.routes}
    ended = observe(app)
    async with asyncio.timeout(LIMIT):
        for vhost, queue in queues | {("/", "invoices")}:
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


def test_every_setting_is_in_the_readme():
    from asyncworker.settings import PREFIX, Settings

    readme = (ROOT / "packages/core/README.md").read_text()
    for field in Settings.model_fields:
        assert f"`{PREFIX}{field.upper()}`" in readme
