"""What READMEs show does what they say of it: their workers handle messages, events, requests."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import aio_pika
import pytest

from asyncworker.testing import TestApp
from tests.docs.blocks import ROOT, Page
from tests.docs.page import Run

LIMIT = 60.0
SOURCES = [
    "README.md",
    "packages/core/README.md",
    "packages/rabbitmq/README.md",
    "examples/ten_lines.py",
]


@pytest.fixture
def app_of(tmp_path):
    """Run the blocks of a file, but for commands; return the app that it would run."""
    with ExitStack() as stack:

        def app_of(source):
            text = (ROOT / source).read_text()
            page = Page.parse(source, f"```python\n{text}```" if source.endswith(".py") else text)
            run = stack.enter_context(Run.started(page, tmp_path))
            for block in page.blocks:
                if block.language != "console":
                    run.block(block)
            ((_, app),) = run.program.apps
            return app

        yield app_of


@pytest.fixture(scope="module")
def vhosts(private_node):
    """A broker that has the vhosts of READMEs."""
    private_node.add_vhost("fluentd")
    yield private_node
    private_node.ctl("delete_vhost", "fluentd")


@pytest.fixture
def node(vhosts, monkeypatch):
    """The broker that connections lead to which name no port."""
    monkeypatch.setattr(
        "asyncworker.rabbitmq.connecting.address.PORTS", {"amqp": vhosts.port, "amqps": 5671}
    )
    return vhosts


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
        object.__setattr__(route, "options", replace(route.options, bulk_flush_interval=0.1))
    return ended


@pytest.mark.parametrize("source", SOURCES)
async def test_the_workers_of_readmes_and_examples_handle_messages(source, node, app_of):
    app = app_of(source)
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


async def test_the_http_readme_answers_requests(app_of):
    async with TestApp(app_of("packages/http/README.md")) as worker:
        hello = await worker.request("GET", "/hello")
        assert (hello.text, hello.headers["X-Stamp"]) == ("Hello world", "stamped")
        created = await worker.request("POST", "/customers/7/orders", json={"product": "tea"})
        assert (created.status, created.json) == (
            201,
            {"customer": 7, "order": {"product": "tea", "amount": 1}, "dry_run": False},
        )
        prices = await worker.request("GET", "/static/prices.json")
        assert prices.json == {"tea": 4.5}
        async with worker.client.ws_connect("/echo") as socket:
            await socket.send_str("echo")
            assert await socket.receive_str() == "echo"


async def test_the_sse_readme_follows_a_stream(app_of, capsys):
    async with TestApp(app_of("packages/sse/README.md")) as worker:
        await worker.feed("/v2/events", 1, name="a")
        await worker.feed("/v2/events", 2, name="b")
        await worker.idle()
    assert capsys.readouterr().out == "a 1\nb 2\n"
