"""A broker in memory: how it is named, who shares it, and how long it lasts."""

import asyncio
import logging
import threading

import aiormq
import pytest
from aiormq import spec
from yarl import URL

from asyncworker import App, RouteTypes
from asyncworker.cli.checkup import problems_of
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Unroutable
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.memory.broker import broker, forget
from asyncworker.rabbitmq.memory.transport import MemoryFactory, MemoryTransport


@pytest.fixture(autouse=True)
def brokers():
    """The names of the brokers that a test uses, forgotten at its end."""
    yield
    for name in ("default", "one", "two"):
        forget(name)


async def declare(connection, queue, vhost=None, **options):
    async with connection.channel(vhost) as channel:
        await channel.declare_queue(queue, **options)


async def depth(connection, queue, vhost=None):
    async with connection.channel(vhost) as channel:
        found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count


def run(connection, coroutine):
    """Run it on an event loop of its own, and leave nothing open that the library minds."""

    async def closing():
        async with connection:
            return await coroutine

    return asyncio.run(closing())


@pytest.mark.parametrize(
    ("url", "shown", "vhost"),
    [
        ("memory://", "memory://default", "/"),
        ("memory:///", "memory://default", "/"),
        ("memory://default", "memory://default", "/"),
        ("memory://one/orders", "memory://one", "orders"),
        ("memory:///a%2Fb", "memory://default", "a/b"),
    ],
)
def test_is_named_by_a_url(url, shown, vhost):
    connection = AMQPConnection(url=url, heartbeat=30)
    assert repr(connection) == f"AMQPConnection({shown!r})"
    assert connection.vhost == vhost


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "memory:one"}, "must be memory://name/vhost, no more"),
        ({"url": "memory://one?heartbeat=5"}, "must be memory://name/vhost, no more"),
        ({"url": "memory://one#two"}, "must be memory://name/vhost, no more"),
        ({"url": "memory://me:secret@one"}, "memory:// takes no user, password or port"),
        ({"url": "memory://one:5672"}, "memory:// takes no user, password or port"),
        ({"url": "memory://One.two"}, "a name of a-z, 0-9, - and _, got 'One.two'"),
        ({"url": "memory://", "username": "me"}, "url and username= are both given"),
        ({"url": "memory://", "heartbeat": -1}, "heartbeat must be an int from 0"),
        ({"url": "memory://", "prefetch": 0}, "prefetch must be an int from 1"),
    ],
)
def test_says_what_is_wrong_with_a_url(arguments, message):
    with pytest.raises(ConfigurationError, match=message) as raised:
        AMQPConnection(**arguments)
    assert "secret" not in str(raised.value)


def test_needs_a_library_whose_transport_can_be_chosen(monkeypatch):
    monkeypatch.setattr(
        "asyncworker.rabbitmq.connecting.fast_path.can_choose_transport", lambda: False
    )

    async def put():
        await AMQPConnection(url="memory://").put(body=1, routing_key="q")

    with pytest.raises(ConfigurationError, match="memory:// needs an aiormq"):
        asyncio.run(put())


async def test_connections_of_one_name_share_a_broker_and_others_do_not():
    first, same, other = [AMQPConnection(url=f"memory://{name}") for name in ("one", "one", "two")]
    async with first, same, other:
        await declare(first, "q")
        await same.put(body=1, routing_key="q")
        assert await depth(first, "q") == 1
        with pytest.raises(Unroutable):
            await other.put(body=1, routing_key="q")


async def test_vhosts_are_apart():
    async with AMQPConnection(url="memory://one/left") as connection:
        await declare(connection, "q")
        await connection.put(body=1, routing_key="q")
        with pytest.raises(Unroutable):
            await connection.put(body=1, routing_key="q", vhost="right")
        assert await depth(connection, "q", "left") == 1


def test_lasts_from_one_event_loop_to_the_next():
    connection = AMQPConnection(url="memory://one")

    async def put(body):
        await declare(connection, "q")
        await connection.put(body=body, routing_key="q")

    async def put_and_leave(body):
        """End with the loop, as a program does that closes nothing."""
        await put(body)
        client = Client.connected()
        assert GET_OK in await client.says(opening(), OPEN, GET)

    run(connection, put(1))
    run(connection, put_and_leave(2))
    assert run(connection, depth(connection, "q")) == 2


def test_what_grew_too_old_while_no_loop_ran_is_dead_lettered_by_the_next():
    connection = AMQPConnection(url="memory://one")

    async def prepare():
        arguments = {
            "x-message-ttl": 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "dead",
        }
        await declare(connection, "q", arguments=arguments)
        await declare(connection, "dead")
        vhost = broker("one").vhost("/")
        vhost.queues["q"].publish(message())

    def message():
        from asyncworker.rabbitmq.memory.message import Message

        return Message("", "q", b"\x00\x00", b"1")

    run(connection, prepare())

    async def later():
        loop = asyncio.get_running_loop()
        time = loop.time
        loop.time = lambda: time() + 1
        return await depth(connection, "dead")

    assert run(connection, later()) == 1


async def test_refuses_a_second_event_loop_at_the_same_time():
    async with AMQPConnection(url="memory://one") as connection, connection.channel():
        errors = []

        def elsewhere():
            try:
                other = AMQPConnection(url="memory://one")
                run(other, depth(other, "q"))
            except BrokerError as error:
                errors.append(str(error))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.to_thread(thread.join)
    (error,) = errors
    assert "memory://one is in use by another event loop" in error


async def test_a_broker_that_is_forgotten_is_lost_and_the_next_one_is_new(logs):
    connection = AMQPConnection(url="memory://one")
    app = App(connections=[connection])
    taken = asyncio.Event()

    @app.route(["q"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        taken.set()

    await declare(connection, "q")
    async with app.started(), asyncio.timeout(60):
        await connection.put(body=1, routing_key="q")
        await taken.wait()
        taken.clear()
        forget("one")
        await logs.wait("not consumed")
        assert any("queue 'q'" in problem for problem in app.problems)
        await declare(connection, "q")
        await connection.put(body=2, routing_key="q")
        await taken.wait()


async def test_is_checked_as_any_broker_is():
    app = App(connections=[AMQPConnection(url="memory://one")])

    @app.route(["there", "missing"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    await declare(app["rabbitmq_connection"], "there")
    problems = await problems_of(app, 60)
    assert problems == [
        (
            "queue 'missing', vhost '/': the queue does not exist: create it, "
            "or pass Queue('missing') to have it declared"
        )
    ]


async def test_leaves_neither_tasks_nor_timers_behind():
    async with AMQPConnection(url="memory://one") as connection:
        await declare(connection, "q", arguments={"x-message-ttl": 10_000, "x-expires": 10_000})
        await connection.put(body=1, routing_key="q")
    forget("one")
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not broker("one").connections
    pending = [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]
    assert pending == []


class Client(asyncio.Protocol):
    """A client that writes what it likes."""

    def __init__(self):
        self.received = b""
        self.ended = asyncio.Event()

    @classmethod
    def connected(cls):
        client = cls()
        client.transport = MemoryTransport(client, "one", asyncio.get_running_loop())
        return client

    def data_received(self, data):
        self.received += data

    def connection_lost(self, error):
        self.ended.set()

    async def says(self, *pieces):
        for piece in pieces:
            self.transport.write(piece)
        for _ in range(3):
            await asyncio.sleep(0)
        received, self.received = self.received, b""
        return received


def opening():
    from pamqp.frame import marshal

    frames = (
        spec.Connection.StartOk({}, "PLAIN", "\0me\0secret"),
        spec.Connection.TuneOk(0, 0, 0),
        spec.Connection.Open("/"),
    )
    return b"AMQP\0\0\x09\x01" + b"".join(marshal(frame, 0) for frame in frames)


def frame(kind, number, payload):
    return bytes([kind]) + number.to_bytes(2) + len(payload).to_bytes(4) + payload + b"\xce"


async def test_takes_frames_however_they_are_split():
    client = Client.connected()
    said = b"".join([await client.says(bytes([byte])) for byte in opening()])
    assert said.endswith(frame(1, 0, b"\x00\x0a\x00\x29\x00"))
    client.transport.abort()
    await client.ended.wait()


async def test_answers_a_heartbeat():
    client = Client.connected()
    await client.says(opening())
    assert await client.says(frame(8, 0, b"")) == frame(8, 0, b"")
    client.transport.close()


async def test_hangs_up_on_who_speaks_another_protocol():
    client = Client.connected()
    assert await client.says(b"GET / HTTP/1.1\r\n") == b"AMQP\0\0\x09\x01"
    await client.ended.wait()
    assert client.transport.is_closing()


async def test_holds_what_it_says_while_the_client_does_not_read():
    client = Client.connected()
    client.transport.pause_reading()
    assert await client.says(opening()) == b""
    client.transport.resume_reading()
    assert b"PLAIN" in await client.says()
    client.transport.close()


PUBLISH = b"\x00\x3c\x00\x28\x00\x00\x00\x01q\x00"
HEADER = b"\x00\x3c\x00\x00" + (2).to_bytes(8) + b"\x00\x00"
OPEN = frame(1, 1, b"\x00\x14\x00\x0a\x00")
GET = frame(1, 1, b"\x00\x3c\x00\x46\x00\x00\x01q\x00")
GET_OK = b"\x00\x3c\x00\x47"


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([frame(1, 1, PUBLISH)], b"CHANNEL_ERROR - expected 'channel.open'"),
        ([OPEN, OPEN], b"CHANNEL_ERROR - second 'channel.open' seen"),
        ([OPEN, frame(2, 1, HEADER)], b"UNEXPECTED_FRAME - "),
        ([OPEN, frame(1, 1, PUBLISH), frame(1, 1, PUBLISH)], b"UNEXPECTED_FRAME - "),
        ([OPEN, frame(1, 1, PUBLISH), frame(3, 1, b"x")], b"UNEXPECTED_FRAME - "),
        (
            [OPEN, frame(1, 1, PUBLISH), frame(2, 1, HEADER), frame(3, 1, b"xxx")],
            b"FRAME_ERROR - ",
        ),
        ([OPEN, frame(1, 1, b"\x00\x5a\x00\x0a")], b"NOT_IMPLEMENTED - memory:// has no Tx.Select"),
        ([OPEN, frame(1, 1, b"\x7f\xff\x00\x0a")], b"SYNTAX_ERROR - "),
    ],
)
async def test_ends_the_connection_of_who_sends_what_cannot_be(frames, reason):
    client = Client.connected()
    await client.says(opening())
    assert reason in await client.says(*frames)
    assert await client.says(OPEN) == b""
    await client.says(frame(1, 0, b"\x00\x0a\x00\x33"))
    await client.ended.wait()


async def channel_of_the_librarys():
    connection = aiormq.Connection("amqp://one:1/", transport_factory=MemoryFactory())
    await connection.connect()
    return await connection.channel()


async def test_refuses_rather_than_ignores_other_types(caplog):
    caplog.set_level(logging.CRITICAL)
    channel = await channel_of_the_librarys()
    with pytest.raises(
        aiormq.exceptions.AMQPError, match="'jms' is none of classic, quorum, stream"
    ):
        await channel.queue_declare("q", durable=True, arguments={"x-queue-type": "jms"})
    await channel.connection.close()


async def deliver(channel, *, cancelled, **arguments):
    """Give a message of a new quorum queue to a consumer."""
    arguments = {"x-queue-type": "quorum", **arguments}
    await channel.queue_declare("q", durable=True, arguments=arguments)
    delivered = asyncio.Queue()
    channel.on_consumer_cancel_callbacks.add(cancelled.append)

    async def take(message):
        delivered.put_nowait(message)

    await channel.basic_consume("q", take)
    await channel.basic_publish(b"x", routing_key="q")
    return await delivered.get()


async def test_cancels_who_settles_nothing_for_half_an_hour():
    channel, cancelled = await channel_of_the_librarys(), []
    await deliver(channel, cancelled=cancelled)
    broker("one").advance(1799)
    assert (await channel.queue_declare("q", passive=True)).message_count == 0
    assert cancelled == []
    broker("one").advance(2)
    assert (await channel.queue_declare("q", passive=True)).message_count == 1
    assert [one.consumer_tag for one in cancelled] != []
    await channel.connection.close()


async def test_counts_the_time_of_each_message_from_its_delivery():
    channel, cancelled = await channel_of_the_librarys(), []
    first = await deliver(channel, cancelled=cancelled)
    broker("one").advance(1000)
    await channel.basic_publish(b"y", routing_key="q")
    await channel.basic_ack(first.delivery_tag)
    for seconds, count in ((1000, 0), (1000, 1)):
        broker("one").advance(seconds)
        assert (await channel.queue_declare("q", passive=True)).message_count == count
        assert len(cancelled) == count
    await channel.connection.close()


async def test_turns_the_time_forward_for_what_waits_after_it_came_back():
    channel = await channel_of_the_librarys()
    arguments = {"x-delayed-retry-type": "all", "x-delayed-retry-min": 600_000}
    message = await deliver(channel, cancelled=[], **arguments)
    await channel.basic_cancel(message.delivery.consumer_tag)
    await channel.basic_reject(message.delivery_tag, requeue=True)
    for seconds, count in ((599, 0), (2, 1)):
        broker("one").advance(seconds)
        assert (await channel.queue_declare("q", passive=True)).message_count == count
    await channel.connection.close()


async def test_is_reached_by_the_name_in_a_url_of_the_librarys():
    reader, writer = await MemoryFactory().create(URL("amqp://two:1/"))
    writer.close()
    await writer.wait_closed()
    assert reader.at_eof()
