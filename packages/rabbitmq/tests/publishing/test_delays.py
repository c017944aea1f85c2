"""Messages that the broker keeps for a while before they go where they are published to."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiormq.exceptions import ChannelNotFoundEntity

from asyncworker import Actions, Events, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Message, Queue, Retry, Unroutable
from asyncworker.rabbitmq.delaying.delayed import as_published
from asyncworker.rabbitmq.delaying.ladder import MAX_DELAY, PREFIX, Way

pytestmark = pytest.mark.usefixtures("path")

OUT = f"{PREFIX}to.queue."
MANY = 40
"""More than a queue has on its way to where they cannot go: it stops at 32."""


@pytest.fixture
def consume(app, inbox):
    """Adds a route whose handler only notes what comes."""

    def consume(*queues, **options):
        app.route(list(queues), type=RouteTypes.AMQP_RABBITMQ, options=options)(inbox)

    return consume


@pytest.fixture
async def exchange(admin, queue):
    """A topic exchange with one queue, for keys of one kind."""
    name = f"exchange-{queue}"
    declared = await admin.declare_exchange(name, "topic", durable=True)
    await (await admin.get_queue(queue)).bind(declared, "orders.*")
    yield name
    await admin.exchange_delete(name)
    for kind in ("to", "try"):
        await admin.queue_delete(f"{PREFIX}{kind}.exchange.{name}")
    await admin.exchange_delete(f"{PREFIX}try.exchange.{name}")


@pytest.fixture(autouse=True)
async def cleaned(admin, queue):
    """The queue by which messages leave for another one stays for ever, but for tests."""
    yield
    await admin.queue_delete(f"{OUT}{queue}")


async def held_by(connection, queue):
    """How many messages a queue holds; none if there is no such queue."""
    async with connection.channel() as channel:
        try:
            found = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            return None
        return found.declaration_result.message_count


async def one_of(inbox):
    (message,) = await inbox.batch()
    return message


@pytest.mark.parametrize("delay", [0.05, 0.4, 1.3])
async def test_a_message_comes_after_its_delay_as_it_was_published(
    app, connection, consume, inbox, queue, delay
):
    consume(queue)
    async with app.started():
        started = time.monotonic()
        await connection.put(
            {"n": 1}, queue, headers={"own": "x", "none": None}, delay=delay, message_id="m-1"
        )
        message = await one_of(inbox)
        assert time.monotonic() - started >= delay
    assert (message.body, message.headers) == ({"n": 1}, {"own": "x", "none": None})
    assert (message.exchange, message.routing_key, message.queue) == ("", queue, queue)
    assert (message.message_id, message.attempt, message.delivery_mode) == ("m-1", 1, 2)


async def test_what_is_published_later_for_earlier_overtakes(
    app, connection, consume, inbox, queue
):
    consume(queue)
    async with app.started():
        await connection.put("late", queue, delay=2.5)
        await connection.put("soon", queue, delay=0.3)
        await connection.put("now", queue)
        assert [(await one_of(inbox)).body for _ in range(3)] == ["now", "soon", "late"]


async def test_an_exchange_gets_it_under_its_routing_key(
    app, connection, consume, inbox, queue, exchange
):
    consume(queue)
    async with app.started():
        await connection.put(1, "orders.new", exchange, delay=0.3)
        message = await one_of(inbox)
    assert (message.exchange, message.routing_key, message.headers) == (exchange, "orders.new", {})


async def test_comes_at_a_moment(app, connection, consume, inbox, queue):
    consume(queue)
    async with app.started():
        moment = datetime.now(UTC) + timedelta(seconds=0.7)
        await connection.put(1, queue, at=moment)
        await one_of(inbox)
        assert datetime.now(UTC) >= moment


@pytest.mark.parametrize(
    "keywords", [{"at": datetime.now(UTC) - timedelta(days=1)}, {"delay": 0}], ids=["past", "now"]
)
async def test_comes_at_once_when_there_is_nothing_to_wait_for(
    app, connection, consume, inbox, queue, keywords
):
    consume(queue)
    async with app.started():
        await connection.put(1, queue, **keywords)
        assert (await one_of(inbox)).body == 1
    assert await held_by(connection, f"{OUT}{queue}") is None


async def test_many_are_published_together_whatever_their_delays(
    app, connection, consume, inbox, queue, admin
):
    consume(queue)
    delays = [None, 0.2, 1.0, None, 0.6, 0.2]
    messages = [Message(number, queue, delay=delay) for number, delay in enumerate(delays)]
    async with app.started():
        with pytest.raises(ExceptionGroup) as caught:
            await connection.put_many([*messages, Message("x", f"no-{queue}", delay=0.2)])
        (error,) = caught.value.exceptions
        assert isinstance(error, Unroutable)
        assert error.message == Message("x", f"no-{queue}", delay=0.2)
        assert await inbox.bodies(6) == list(range(6))


@pytest.mark.parametrize("address", [("missing",), ("key", "missing")], ids=["queue", "exchange"])
async def test_where_it_cannot_go_it_is_not_published_to(connection, queue, address):
    kind = "exchange" if len(address) > 1 else "queue"
    with pytest.raises(Unroutable, match=f"NOT_FOUND - no {kind} 'missing' in vhost '/'"):
        await connection.put(1, *address, delay=1)


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"delay": -1}, "delay must be a number of seconds from 0 to 536870912, got -1"),
        ({"delay": MAX_DELAY + 1}, "delay must be a number of seconds from 0 to 536870912"),
        ({"at": datetime.now(UTC) + timedelta(days=7000)}, "at must be within the next 5368709"),
        ({"delay": 1, "expiration": 5}, "expiration= and delay= are both given"),
        ({"delay": 1, "properties": {"expiration": "5"}}, "expiration= and delay= are both given"),
    ],
)
async def test_says_what_cannot_be(connection, queue, keywords, reason):
    with pytest.raises(ConfigurationError, match=reason):
        await connection.put(1, queue, **keywords)


async def test_waits_for_as_long_as_can_be(connection, queue):
    highest = f"{PREFIX}28"
    before = await held_by(connection, highest) or 0
    await connection.put(1, queue, delay=MAX_DELAY)
    assert await held_by(connection, highest) == before + 1


async def test_a_name_as_long_as_can_be_is_no_hindrance(
    app, connection, consume, inbox, queue, declare, admin
):
    name = await declare(queue.ljust(255, "x"))
    consume(name)
    async with app.started():
        await connection.put(1, name, delay=0.2)
        assert (await one_of(inbox)).routing_key == name
    out = Way(PREFIX, 0, "", name, is_dropped=False).out
    assert len(out) <= 255
    assert await held_by(connection, out) == 0
    await admin.queue_delete(out)


@pytest.mark.parametrize("kind", ["exchange", "queue"])
async def test_what_somebody_has_deleted_is_declared_again(
    app, connection, consume, inbox, queue, admin, kind
):
    consume(queue)
    async with app.started():
        await connection.put(1, queue, delay=0.2)
        assert (await one_of(inbox)).body == 1
        if kind == "exchange":
            await admin.exchange_delete(f"{PREFIX}-2")
        else:
            await admin.queue_delete(f"{PREFIX}-2")
        await connection.put(2, queue, delay=0.25)
        assert (await one_of(inbox)).body == 2


async def test_deaths_before_it_was_published_hold_nothing_up(
    app, connection, consume, inbox, queue
):
    """The broker drops what comes to a queue where it has died before, or keeps it there."""
    consume(queue)
    death = {"queue": f"{PREFIX}-1", "reason": "expired", "count": 1, "exchange": "e"}
    headers = {"x-death": [death], "x-first-death-queue": "own", "x-last-death-reason": "expired"}
    async with app.started():
        await connection.put(1, queue, headers=headers, delay=0.5)
        assert (await one_of(inbox)).headers == headers


async def test_a_failure_is_retried_and_a_rejection_dead_lettered_as_ever(
    app, connection, inbox, queue, admin
):
    name = f"quorum-{queue}"
    failing = Queue(name, type="quorum", dead_letter=True)

    @app.route(
        [failing],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=2, delay=0.1, then=Actions.REJECT)},
    )
    async def handler(messages):
        await inbox(messages)
        raise OSError("on purpose")

    app.route([f"{name}.dead"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    try:
        async with app.started():
            await connection.put(1, name, headers={"own": 1}, delay=0.3)
            first, second, dead = [await one_of(inbox) for _ in range(3)]
    finally:
        for queue_name in (name, f"{name}.dead", f"{OUT}{name}"):
            await admin.queue_delete(queue_name)
    assert [first.attempt, second.attempt, dead.queue] == [1, 2, f"{name}.dead"]
    assert (first.headers, second.headers["own"], second.routing_key) == ({"own": 1}, 1, name)
    queues = [death["queue"] for death in dead.headers["x-death"]]
    assert queues[0] == name
    assert not [one for one in queues if one.startswith(PREFIX)]
    assert "asyncworker-delay-to" not in dead.headers


async def test_a_handler_may_delay_what_it_was_given_again_and_again(app, connection, queue, inbox):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await inbox(messages)
        for message in messages:
            await connection.put(message.body + 1, queue, headers=message.headers, delay=0.2)

    async with app.started():
        await connection.put(0, queue, delay=0.2)
        assert [(await one_of(inbox)).body for _ in range(4)] == [0, 1, 2, 3]


async def test_what_a_handler_sends_with_its_messages_may_be_delayed_too(
    app, queue, publish, declare, inbox, admin
):
    other = await declare()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, publish_to=other)
    async def handler(messages):
        moment = datetime.now(UTC) + timedelta(seconds=0.8)
        for message in messages:
            message.put("held", other, at=moment)
        return [Message("returned", delay=0.3)]

    app.route([other], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, b"1")
        assert [(await one_of(inbox)).body for _ in range(2)] == ["returned", "held"]
    await admin.queue_delete(f"{OUT}{other}")


async def test_a_moment_that_passes_while_a_message_is_held_means_at_once(
    app, queue, publish, declare, inbox, connection
):
    other = await declare()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        moment = datetime.now(UTC) + timedelta(seconds=0.2)
        for message in messages:
            message.put("held", other, at=moment)
        await asyncio.sleep(0.3)

    app.route([other], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, b"1")
        message = await one_of(inbox)
    assert (message.body, message.headers) == ("held", {})
    assert await held_by(connection, f"{OUT}{other}") is None


async def test_those_of_a_high_priority_wait_apart(connection, queue):
    """RabbitMQ 4.0 to 4.2 look for what is due among them first, and among others now and then."""
    lanes = (f"{PREFIX}5", f"{PREFIX}high.5")
    before = [await held_by(connection, lane) or 0 for lane in lanes]
    for priority in (None, 0, 4, 5, 255):
        await connection.put(1, queue, priority=priority, delay=60)
    after = [await held_by(connection, lane) for lane in lanes]
    assert after == [before[0] + 3, before[1] + 2]


async def test_what_no_queue_takes_then_is_dropped_if_that_is_no_error(
    app, connection, consume, inbox, queue, exchange
):
    consume(queue)
    async with app.started():
        for number in range(MANY):
            await connection.put(number, "nobody", exchange, mandatory=False, delay=0.1)
        await connection.put("x", "orders.new", exchange, mandatory=False, delay=0.2)
        message = await one_of(inbox)
    assert (message.body, message.exchange, message.routing_key) == ("x", exchange, "orders.new")


async def test_what_has_no_place_to_go_to_is_in_nobodys_way(
    app, connection, consume, inbox, queue, declare, admin
):
    consume(queue)
    gone = await declare()
    async with app.started():
        await connection.put_many([Message(number, gone, delay=0.5) for number in range(MANY)])
        await admin.queue_delete(gone)
        await connection.put("x", queue, delay=1)
        assert (await one_of(inbox)).body == "x"
    await admin.queue_delete(f"{OUT}{gone}")


async def test_copies_go_where_headers_say(app, connection, consume, inbox, queue, declare, path):
    if path == "memory":
        pytest.skip("the broker in memory knows no CC")
    other = await declare()
    consume(queue, other)
    async with app.started():
        await connection.put(1, queue, headers={"CC": [other]}, delay=0.2)
        received = [await one_of(inbox) for _ in range(2)]
    assert {message.queue for message in received} == {queue, other}


FIRST = {"x-first-death-queue": f"{PREFIX}3", "x-first-death-reason": "expired"}
LAST = {"x-last-death-queue": "q", "x-last-death-reason": "rejected"}
ODD = {"x-death": ["odd"], "x-first-death-queue": 1}


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"asyncworker-delay-to": "x", "asyncworker-delay-0": True, "own": 1}, {"own": 1}),
        ({"asyncworker-delay-kept-x-death": "odd"}, {"x-death": "odd"}),
        ({"x-death": [{"queue": f"{PREFIX}3"}, {"queue": "q"}]}, {"x-death": [{"queue": "q"}]}),
        ({"x-death": "odd"}, {"x-death": "odd"}),
        (ODD, ODD),
        (FIRST | LAST, LAST),
    ],
)
def test_shows_headers_as_they_were(headers, shown):
    assert as_published(headers) == shown
