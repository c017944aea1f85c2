"""What comes back to a quorum queue again and again is not dropped, unless somebody wants it so."""

import asyncio
import uuid

import aio_pika
import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Queue
from asyncworker.rabbitmq.retrying.delivery_limit import DEFAULT_LIMIT, KEPT_FROM
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

TIMES = 26
"""More often than a quorum queue lets a message come back since RabbitMQ 4.0."""
COUNT = 50
MANY = 5000
"""More than there are, should each loss of a connection leave copies of them all."""
LOOKS = 100
KEPT = "they go on at the end of the queue"


@pytest.fixture
def name():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def quorum(declare, name):
    """The name of a quorum queue that exists without a limit of its own."""
    return await declare(name, **{"x-queue-type": "quorum"})


@pytest.fixture
async def deleted(admin):
    """Delete queues at the end."""
    names = []
    yield names
    for one in names:
        await admin.queue_delete(one)


def holding(url, queue):
    """An app that is given messages, and gives none to its handler."""
    app = App(connections=[AMQPConnection(url=url, prefetch=MANY)])
    options = {Options.BULK_SIZE: MANY, Options.BULK_FLUSH_INTERVAL: 3600.0}
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)(never)
    return app


async def never(messages):
    raise AssertionError("handled")


def failing(app, queue, times, *, on_exception=Actions.REQUEUE):
    """Add a route whose handler fails so many times in all; return what it was given."""
    given = []

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: on_exception})
    async def handler(messages):
        given.extend(messages)
        if len(given) <= times:
            raise TimeoutError("on purpose")

    return given


async def until(condition):
    async with asyncio.timeout(60):
        # What changes is the broker's, which does not tell.
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def all_taken(depth, queue):
    async def is_empty():
        return await depth(queue) == 0

    await until(is_empty)


async def dead(depth, queue):
    async def is_dead():
        return await depth(f"{queue}.dead") == 1

    await until(is_dead)


async def numbers_left(url, queue, inbox):
    """What a working handler is given of a queue."""
    app = App(connections=[AMQPConnection(url=url)])
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        numbers = set()
        while len(numbers) < COUNT:
            numbers.update(message.body for message in await inbox.batch())
        return sorted(numbers)


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "named"])
async def test_keeps_what_every_run_prefetches_and_gives_back(
    amqp_url, name, deleted, declare, publish, depth, inbox, is_declared
):
    deleted.append(name)
    if is_declared:
        queue = Queue(name, type="quorum")
    else:
        queue = await declare(name, **{"x-queue-type": "quorum"})
    for run in range(TIMES):
        async with holding(amqp_url, queue).started():
            if not run:
                await publish(name, *(str(number).encode() for number in range(COUNT)))
            await all_taken(depth, name)

    assert await numbers_left(amqp_url, name, inbox) == list(range(COUNT))


async def test_keeps_what_is_prefetched_by_runs_whose_connection_is_lost(
    private_node, quorum, publish, depth, inbox
):
    await publish(quorum, *(str(number).encode() for number in range(COUNT)))
    async with Proxy.to(private_node.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
        for _ in range(TIMES):
            async with holding(url, quorum).started():
                # As many looks take far longer than the first copy of a run does: what ends a run
                # sooner, each time, can still have a message dropped.
                for _ in range(LOOKS):
                    await all_taken(depth, quorum)
                proxy.cut()

    assert await numbers_left(private_node.url, quorum, inbox) == list(range(COUNT))


async def test_keeps_what_its_handler_fails_with_and_says_so_once(
    app, quorum, publish, depth, logs, broker_version
):
    given = failing(app, quorum, TIMES)
    async with app.started():
        await publish(quorum, b"1", b"2")
        await until(lambda: asyncio.sleep(0, len({m.body for m in given[TIMES:]}) == 2))
        await all_taken(depth, quorum)

    assert await depth(quorum) == 0
    assert len(logs.matching(KEPT)) == (broker_version >= (4,))


async def test_tells_how_often_a_message_came_back_however_it_was_kept(app, quorum, publish):
    given = failing(app, quorum, TIMES)
    async with app.started():
        await publish(quorum, b"1")
        await until(lambda: asyncio.sleep(0, len(given) > TIMES))

    assert [message.delivery_count for message in given[:KEPT_FROM]] == list(range(KEPT_FROM))
    # Each copy is made of a delivery that no handler sees.
    later = [message.delivery_count for message in given[KEPT_FROM:]]
    assert later == sorted(set(later))
    assert TIMES <= later[-1] <= TIMES + 2


async def test_a_classic_queue_counts_nothing(app, queue, publish):
    given = failing(app, queue, 2)
    async with app.started():
        await publish(queue, b"1")
        await until(lambda: asyncio.sleep(0, len(given) == 3))

    assert [message.delivery_count for message in given] == [0, 0, 0]


async def test_a_kept_message_is_as_it_was_published(app, admin, quorum, inbox):
    exchange = await admin.declare_exchange(f"{quorum}.x", "topic", auto_delete=True)
    await (await admin.get_queue(quorum)).bind(exchange, "a.*")
    given = failing(app, quorum, KEPT_FROM)
    # A copy that took these as they are would go elsewhere too, or nowhere.
    headers = {"n": 1, "CC": ["nowhere"], "x-death": [{"queue": "elsewhere"}]}
    message = aio_pika.Message(
        b"1", message_id="one", headers=headers, content_type="text/plain", user_id="guest"
    )
    async with app.started():
        await exchange.publish(message, "a.b")
        await until(lambda: asyncio.sleep(0, len(given) > KEPT_FROM))

    last = given[-1]
    assert last.redelivered
    assert (last.exchange, last.routing_key, last.attempt) == (f"{quorum}.x", "a.b", 1)
    assert (last.message_id, last.content_type) == ("one", "text/plain")
    assert last.headers["n"] == 1
    assert last.headers["x-death"] == [{"queue": "elsewhere"}]


async def test_handles_what_cannot_be_kept(app, declare, name, publish, logs, broker_version):
    """A full queue takes no copy."""
    queue = await declare(
        name, **{"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    )
    given = failing(app, queue, KEPT_FROM)
    async with app.started():
        await publish(queue, b"1")
        await until(lambda: asyncio.sleep(0, len(given) > KEPT_FROM))
    assert len(given) == KEPT_FROM + 1


@pytest.mark.parametrize("limit", [1, 3])
async def test_respects_a_limit_that_the_queue_is_declared_with(
    app, name, deleted, publish, depth, limit
):
    deleted += [name, f"{name}.dead"]
    queue = Queue(name, type="quorum", delivery_limit=limit, dead_letter=True)
    given = failing(app, queue, 10**6)
    async with app.started():
        await publish(name, b"1")

        await dead(depth, name)

    assert [message.delivery_count for message in given] == list(range(limit + 1))


async def test_respects_a_limit_that_is_larger_than_the_brokers_own(
    app, name, deleted, publish, depth
):
    deleted += [name, f"{name}.dead"]
    limit = DEFAULT_LIMIT + 5
    queue = Queue(name, type="quorum", delivery_limit=limit, dead_letter=True)
    given = failing(app, queue, 10**6)
    async with app.started():
        await publish(name, b"1")

        await dead(depth, name)

    assert len(given) == limit + 1


async def test_without_a_limit_at_all_the_broker_keeps_everything_itself(
    app, name, deleted, publish, logs
):
    deleted.append(name)
    given = failing(app, Queue(name, type="quorum", delivery_limit=-1), TIMES)
    async with app.started():
        await publish(name, b"1")
        await until(lambda: asyncio.sleep(0, len(given) > TIMES))

    assert [message.delivery_count for message in given] == list(range(TIMES + 1))
    assert not logs.matching(KEPT)


@pytest.mark.parametrize("limit", [5, -1])
async def test_a_queue_from_before_there_was_a_limit_does_not_fail_the_start(
    app, quorum, inbox, publish, logs, limit, broker_version
):
    queue = Queue(quorum, type="quorum", delivery_limit=limit)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(quorum, b"1")
        assert await inbox.bodies(1) == [1]
        if limit > 0 or broker_version >= (4,):
            await logs.wait(f"x-delivery-limit, so delivery_limit={limit} has no effect")
    # Before 4.0 a queue without a limit is what -1 asks for.
    assert len(logs.matching("has no effect")) == (limit > 0 or broker_version >= (4,))


async def test_another_limit_than_the_queue_has_fails_the_start(app, declare, name, inbox):
    await declare(name, **{"x-queue-type": "quorum", "x-delivery-limit": 6})
    queue = Queue(name, type="quorum", delivery_limit=5)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    with pytest.raises(Exception, match="with x-delivery-limit '6', the route wants '5'"):
        async with app.started():
            pass


async def test_tells_of_a_queue_that_drops_what_comes_back_too_often(
    app, name, deleted, inbox, logs
):
    deleted.append(name)
    queue = Queue(name, type="quorum", delivery_limit=5)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait("what comes back more than 5 times is dropped")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"delivery_limit": 5}, "delivery_limit is for quorum queues: give it type='quorum'"),
        ({"type": "quorum", "delivery_limit": 0}, "delivery_limit must be an int from 1 to"),
        ({"type": "quorum", "delivery_limit": True}, "delivery_limit must be an int from 1 to"),
        (
            {"type": "quorum", "delivery_limit": 5, "arguments": {"x-delivery-limit": 5}},
            "say it once",
        ),
    ],
)
def test_a_limit_that_cannot_be_is_refused_where_it_is_written(path, options, reason):
    with pytest.raises(ConfigurationError, match=reason):
        Queue("orders", **options)
