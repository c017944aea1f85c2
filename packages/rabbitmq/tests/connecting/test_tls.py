"""TLS: a stranger's certificate is refused, one that is vouched for is accepted."""

import asyncio
import ssl
import subprocess
from contextlib import asynccontextmanager
from itertools import chain, repeat

import aio_pika
import pytest

from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, PublishTimeout, Queue
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate of 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def tls_in_front_of(port, certificate, key):
    """Listen with TLS, and pass everything on."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_refuses_a_certificate_that_nobody_vouches_for(private_node, certificate):
    async with (
        tls_in_front_of(private_node.port, *certificate) as port,
        AMQPConnection(f"127.0.0.1:{port}", ssl=True) as connection,
    ):
        with pytest.raises(PublishTimeout, match="CERTIFICATE_VERIFY_FAILED"):
            await connection.put(body=1, routing_key="q", timeout=2)


@pytest.mark.parametrize("way", ["url", "context"])
async def test_accepts_a_certificate_that_is_vouched_for(private_node, certificate, way):
    async with tls_in_front_of(private_node.port, *certificate) as port:
        if way == "url":
            url = f"amqps://guest:guest@127.0.0.1:{port}/?cafile={certificate[0]}"
            connection = AMQPConnection(url=url)
        else:
            context = ssl.create_default_context(cafile=certificate[0])
            connection = AMQPConnection(f"127.0.0.1:{port}", ssl=context)
        async with connection:
            await connection.put(body=1, routing_key="q", mandatory=False)


async def test_consumes_and_publishes_large_messages_by_tls(private_node, certificate, inbox):
    context = ssl.create_default_context(cafile=certificate[0])
    async with (
        tls_in_front_of(private_node.port, *certificate) as port,
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
    ):
        await channel.declare_queue("by-tls", auto_delete=True)
        connection = AMQPConnection(f"127.0.0.1:{port}", ssl=context)
        app = App(connections=[connection])
        app.route(["by-tls"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
        async with app.started():
            await asyncio.gather(
                *(connection.put(body="x" * 300_000, routing_key="by-tls") for _ in range(20))
            )
            assert await inbox.bodies(20) == ["x" * 300_000] * 20


async def test_loses_nothing_as_connections_by_tls_break_off(private_node, certificate, limit):
    """In the middle of a handshake or a record too, and as when a host vanishes."""
    context = ssl.create_default_context(cafile=certificate[0])
    handled = set()
    complete = asyncio.Event()
    async with (
        tls_in_front_of(private_node.port, *certificate) as port,
        Proxy.to(port) as proxy,
    ):
        connection = AMQPConnection(f"127.0.0.1:{proxy.port}", ssl=context, heartbeat=1)
        app = App(connections=[connection])

        @app.route([Queue("broken-tls")], type=RouteTypes.AMQP_RABBITMQ)
        async def handle(messages):
            handled.update(message.body["number"] for message in messages)
            if len(handled) == 60:
                complete.set()

        async def publish(numbers):
            bodies = [{"number": number, "text": "x" * 20_000} for number in numbers]
            puts = [connection.put(body, "broken-tls", timeout=limit) for body in bodies]
            await asyncio.gather(*puts)

        async with app.started(), asyncio.timeout(limit):
            await publish(range(10))
            for turn in range(1, 6):
                if turn == 5:
                    proxy.stall()
                    asyncio.get_running_loop().call_later(7, proxy.flow)
                else:
                    proxy.cuts = chain([turn * 900, turn * 3000], repeat(None))
                    proxy.cut()
                await publish(range(turn * 10, turn * 10 + 10))
            await complete.wait()
    async with await aio_pika.connect(private_node.url) as admin, admin.channel() as channel:
        await channel.queue_delete("broken-tls")
    assert handled == set(range(60))
