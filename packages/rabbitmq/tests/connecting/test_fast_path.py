"""Two ways that messages go: which one is chosen, and what becomes of a connection that lies."""

import asyncio
from contextlib import asynccontextmanager

import aio_pika
import aiormq
import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.connecting.fast_path import _connection_class, connection_class
from asyncworker.rabbitmq.wire.wire_connection import WireConnection


@pytest.fixture(autouse=True)
def _choose_anew():
    _connection_class.cache_clear()
    yield
    _connection_class.cache_clear()


def test_goes_by_the_wire_and_says_so_once(logs):
    assert connection_class() is connection_class() is WireConnection
    assert len(logs.matching("straight from and to the wire")) == 1


def test_goes_through_the_library_when_the_environment_says_so(monkeypatch, logs):
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", "off")
    assert connection_class() is connection_class() is aio_pika.Connection
    assert len(logs.matching("as ASYNCWORKER_RABBITMQ_WIRE says")) == 1


def test_goes_through_a_library_that_lacks_the_seam_with_one_warning(monkeypatch, logs):
    monkeypatch.delattr(aiormq, "TransportFactory")
    assert connection_class() is connection_class() is aio_pika.Connection
    (record,) = logs.matching("whose transport cannot be chosen")
    assert record.levelname == "WARNING"


def test_names_a_variable_that_is_neither_yes_nor_no(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", "perhaps")
    with pytest.raises(ConfigurationError, match=r"ASYNCWORKER_RABBITMQ_WIRE: .*'perhaps'"):
        connection_class()


@asynccontextmanager
async def meddler(port):
    """Listen in front of a broker; yield the port, and the writers towards its clients."""
    writers = []

    async def copy(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()

    async def serve(reader, writer):
        writers.append(writer)
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            copy(reader, broker_writer), copy(broker_reader, writer), return_exceptions=True
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], writers
    finally:
        server.close()


async def test_a_malformed_frame_costs_one_connection_and_one_line(
    private_node, queue_on_node, inbox, logs
):
    async with meddler(private_node.port) as (port, writers):
        connection = AMQPConnection(f"127.0.0.1:{port}")
        app = App(connections=[connection])
        app.route([queue_on_node], type=RouteTypes.AMQP_RABBITMQ)(inbox)
        async with app.started():
            await logs.wait("consuming")
            # A body of channel 1, of no message.
            writers[0].write(b"\x03\x00\x01\x00\x00\x00\x01x\xce")
            await logs.wait(
                "not consumed: the broker sent no valid AMQP: channel 1: "
                "a header or a body belongs to no message"
            )
            await logs.wait("consuming", count=2)
            await connection.put(body=1, routing_key=queue_on_node)
            assert await inbox.bodies(1) == [1]


@pytest.fixture
async def queue_on_node(private_node):
    async with (
        await aio_pika.connect(private_node.url) as connection,
        connection.channel() as channel,
    ):
        await channel.declare_queue("meddled", durable=True)
        yield "meddled"
        await channel.queue_delete("meddled")


@pytest.fixture(params=[0, 1, 131_064, 131_065, 1_000_001, 20_000_000])
def size(request, broker_version):
    """The bytes of a body. Since RabbitMQ 4.0 it takes 16 MiB and no more, unless told to."""
    return request.param if broker_version < (4,) else min(request.param, 16 * 2**20)


@pytest.mark.usefixtures("path")
async def test_consumes_bodies_of_any_size(amqp_url, queue, inbox, size):
    connection = AMQPConnection(url=amqp_url)
    app = App(connections=[connection])
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    body = b'"' + b"x" * (size - 2) + b'"' if size > 1 else b"7" * size
    async with app.started():
        await connection.put(body=body, routing_key=queue)
        assert (await inbox.batch())[0].raw_body == body
