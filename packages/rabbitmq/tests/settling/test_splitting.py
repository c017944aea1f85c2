"""A batch that failed is split until the message that fails stands alone."""

import asyncio
import math
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.cli.listing import rows_of
from asyncworker.errors import ConfigurationError, DrainTimeout
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry, Split
from asyncworker.rabbitmq.memory.broker import forget
from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name
from tests.faults.proxy import Proxy

LIMIT = 60.0


@pytest.fixture
async def name(admin, path):
    """The name of a queue that a route declares; it and what belongs to it is deleted."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for each in (name, f"{name}.dead", waiting_name(name, 100, is_quorum=False)):
        await admin.queue_delete(each)


@pytest.fixture
def letters(admin, name):
    """Takes what comes into the dead-letter queue, from outside."""

    async def letters(count=1):
        found = []
        async with asyncio.timeout(LIMIT):
            queue = await admin.get_queue(f"{name}.dead")
            async with queue.iterator(no_ack=True) as messages:
                while len(found) < count:
                    found.append(int((await anext(messages)).body))
        return found

    return letters


@pytest.fixture
def consume(app, inbox, name):
    """Add a route whose handler fails by what `wrong` returns for a batch, if anything."""

    def consume(wrong, policy, size=8, app=app, **options):
        @app.route(
            [Queue(name, dead_letter=True)],
            type=RouteTypes.AMQP_RABBITMQ,
            options={
                Options.BULK_SIZE: size,
                Options.MAX_CONCURRENCY: 1,
                Events.ON_EXCEPTION: policy,
                **options,
            },
        )
        async def handle(messages):
            await inbox(messages)
            if (error := wrong(messages)) is not None:
                raise error

        return handle

    return consume


def fails_for(*bad):
    def wrong(messages):
        found = [message.body for message in messages if message.body in bad]
        return ValueError(f"no {found}") if found else None

    return wrong


async def bodies_until(inbox, last):
    """The bodies of each batch, up to the one that is the last."""
    batches = []
    while not batches or batches[-1] != last:
        batches.append([message.body for message in await inbox.batch()])
    return batches


def numbers(count):
    return [str(number).encode() for number in range(count)]


async def test_finds_the_one_that_fails_in_order(app, consume, inbox, name, publish, depth, logs):
    consume(fails_for(5), Split())
    async with app.started():
        await publish(name, *numbers(8))
        batches = await bodies_until(inbox, [6, 7])
    assert batches == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [4, 5],
        [4],
        [5],
        [6, 7],
    ]
    assert await depth(name) == 0
    assert await depth(f"{name}.dead") == 1
    whole, alone = logs.matching("raised ValueError")
    assert whole.getMessage().endswith("('no [5]'); handled again in halves: 8 messages")
    assert alone.getMessage().endswith("raised ValueError('no [5]')")
    assert (whole.messages, alone.messages) == (8, 1)


async def test_what_fails_alone_has_the_message_ids_in_its_line(
    app, consume, inbox, name, publish, logs
):
    consume(fails_for(1), Split(), size=2)
    async with app.started():
        await publish(name, b"0", b"1", message_id="m")
        await bodies_until(inbox, [1])
    _, alone = logs.matching("raised ValueError")
    assert alone.message_ids == ["m"]


async def test_the_one_alone_is_tried_again_where_that_is_what_follows(
    app, consume, inbox, name, publish, letters, logs
):
    policy = Split(then=Retry(attempts=2, delay=0.1))
    consume(fails_for(2), policy, size=4, **{Options.BULK_FLUSH_INTERVAL: 0.1})
    async with app.started():
        await publish(name, *numbers(4))
        assert await letters() == [2]
        seen = []
        while len(seen) < 3 or seen[-1] != [(2, 2)]:
            seen.append([(one.body, one.attempt) for one in await inbox.batch()])
    # To be split counts as no attempt.
    assert {attempt for batch in seen[:-1] for _, attempt in batch} == {1}
    assert len(logs.matching("gave up on 1 message after 2 attempts: reject")) == 1


@pytest.mark.parametrize("says", ["accept", "reject", "retry"])
async def test_what_spoke_for_itself_is_settled_and_not_handled_again(
    app, consume, inbox, name, publish, depth, says
):
    def wrong(messages):
        first = messages[0]
        if first.attempt > 1:
            return None
        if first.body == 0:
            {
                "accept": first.accept,
                "reject": lambda: first.reject(requeue=False),
                "retry": lambda: first.retry(0.1),
            }[says]()
        return fails_for(3)(messages)

    consume(wrong, Split(), size=4, **{Options.BULK_FLUSH_INTERVAL: 0.2})
    async with app.started():
        await publish(name, *numbers(4))
        last = [0] if says == "retry" else [3]
        batches = await bodies_until(inbox, last)
    assert batches[:3] == [[0, 1, 2, 3], [1, 2], [3]]
    assert await depth(f"{name}.dead") == (2 if says == "reject" else 1)
    assert await depth(name) == 0


async def test_one_that_is_left_of_a_batch_is_handled_alone(
    app, consume, inbox, name, publish, depth
):
    def wrong(messages):
        good = [message for message in messages if message.body != 3]
        for message in good:
            message.accept()
        return None if messages == good else ValueError("no")

    consume(wrong, Split(), size=4)
    async with app.started():
        await publish(name, *numbers(4))
        batches = await bodies_until(inbox, [3])
    assert batches == [[0, 1, 2, 3], [3]]
    assert await depth(f"{name}.dead") == 1


@pytest.mark.parametrize("is_held", [False, True], ids=["publish_to", "put"])
async def test_what_leaves_with_the_good_ones_leaves_once(
    app, inbox, name, publish, declare, admin, letters, depth, is_held
):
    """Also where one alone is left of its batch, as the others were accepted before it failed."""
    out = await declare()
    arguments = {} if is_held else {"publish_to": out}

    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={
            Options.BULK_SIZE: 4,
            Options.MAX_CONCURRENCY: 1,
            Events.ON_EXCEPTION: Split(),
        },
        **arguments,
    )
    async def handle(messages):
        await inbox(messages)
        for message in messages:
            if message.body == 3:
                raise ValueError("no")
            if is_held:
                message.put(message.body, out)
                message.accept()
        return None if is_held else [message.body for message in messages]

    async with app.started():
        await publish(name, *numbers(4))
        assert await letters() == [3]
        batches = await bodies_until(inbox, [3])
    assert batches == ([[0, 1, 2, 3], [3]] if is_held else [[0, 1, 2, 3], [0, 1], [2, 3], [2], [3]])
    queue = await admin.get_queue(out)
    assert [int((await queue.get(no_ack=True)).body) for _ in range(3)] == [0, 1, 2]
    assert (await depth(out), await depth(name)) == (0, 0)


async def test_messages_come_again_as_they_came(app, inbox, consume, name, publish):
    def wrong(messages):
        for message in messages:
            message.body.pop("id")
            message.headers.clear()
        return ValueError("no") if len(messages) > 1 else None

    consume(wrong, Split(), size=2)
    async with app.started():
        await publish(name, b'{"id": 1}', b'{"id": 2}', headers={"a": "b"})
        whole, first, second = [await inbox.batch() for _ in range(3)]
    assert [len(batch) for batch in (whole, first, second)] == [2, 1, 1]
    assert (first[0].attempt, first[0].redelivered, first[0].outcome) == (1, False, None)


async def test_in_a_mapping_it_is_for_its_exceptions_alone(
    app, consume, inbox, name, publish, depth
):
    def wrong(messages):
        if any(message.redelivered for message in messages):
            return None
        return fails_for(1)(messages) or OSError("others")

    consume(wrong, {ValueError: Split(then=Actions.ACK), OSError: Actions.REJECT}, size=2)
    async with app.started():
        await publish(name, b"0", b"1")
        batches = await bodies_until(inbox, [1])
    assert batches == [[0, 1], [0], [1]]
    # What fails by another exception meets what is said of that.
    assert await depth(f"{name}.dead") == 1


@pytest.mark.parametrize("bulk_size", [1, 3])
async def test_a_batch_of_one_meets_what_follows_at_once(
    app, consume, inbox, name, publish, depth, logs, bulk_size
):
    flush = {Options.BULK_FLUSH_INTERVAL: 0.1}
    consume(fails_for(0), Split(), size=bulk_size, **flush)
    async with app.started():
        await publish(name, b"0")
        await bodies_until(inbox, [0])
    assert inbox.batches.empty()
    assert await depth(f"{name}.dead") == 1
    assert not logs.matching("in halves")


async def test_a_stop_gives_back_what_is_not_begun(app, inbox, name, publish, depth, admin):
    async def is_stopped():
        found = await admin.declare_queue(name, passive=True)
        return not found.declaration_result.consumer_count

    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: 4, Events.ON_EXCEPTION: Split()},
    )
    async def handle(messages):
        await inbox(messages)
        async with asyncio.timeout(LIMIT):
            while not await is_stopped():
                pass
        raise ValueError("no")

    async with app.started():
        await publish(name, *numbers(4))
        await inbox.batch()
    assert inbox.batches.empty()
    assert (await depth(name), await depth(f"{name}.dead")) == (4, 0)


async def test_a_half_that_hangs_is_cancelled_at_the_deadline_and_nothing_is_lost(
    app, consume, inbox, name, publish, depth, monkeypatch
):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.2")

    @app.route(
        [Queue(name)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: 4, Options.MAX_CONCURRENCY: 1, Events.ON_EXCEPTION: Split()},
    )
    async def handle(messages):
        await inbox(messages)
        if len(messages) == 4:
            raise ValueError("no")
        await asyncio.Event().wait()

    with pytest.raises(DrainTimeout):
        async with app.started():
            await publish(name, *numbers(4))
            await bodies_until(inbox, [0, 1])
    assert await depth(name) == 4


def test_what_cannot_be_is_told_where_it_is_made():
    with pytest.raises(ConfigurationError) as raised:
        Split(then="reject")
    assert str(raised.value) == "Split: then must be one of Actions or a Retry, got 'reject'"
    with pytest.raises(ConfigurationError, match="Split: then must be one of Actions or a Retry"):
        Split(then=Split())
    with pytest.raises(ConfigurationError, match=r"Retry: then must be one of Actions, got Split"):
        Retry(then=Split())


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (Split(), "Split()"),
        (Split(then=Actions.ACK), "Split(then=Actions.ACK)"),
        (Split(then=Retry(attempts=2)), "Split(then=Retry(attempts=2))"),
        ({KeyError: Split()}, "KeyError:Split()"),
    ],
)
def test_the_table_of_routes_shows_it(policy, shown):
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route(["q"], RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: policy})(print)
    assert f"on_exception={shown}" in str(rows_of(app))


class Record:
    """A handler that fails for some numbers, and accepts others by themselves before that."""

    def __init__(self, size, bad, own):
        self.bad, self.own = bad - own, own
        self.size = size
        self.calls = 0
        self.alone = Counter()
        self.good = Counter()
        self.ended = asyncio.Event()

    async def __call__(self, messages):
        self.calls += 1
        await asyncio.sleep(0)
        for message in messages:
            if message.body in self.own:
                message.accept()
        bodies = {message.body for message in messages}
        failed = bodies & self.bad
        self.good.update(bodies & self.own if failed else bodies)
        self.alone.update(failed if len(messages) == 1 else ())
        if len(self.good) + len(self.alone) == self.size:
            self.ended.set()
        if failed:
            raise ValueError(str(failed))


async def handled(record):
    """Have a batch handled; return what is left in its queue, and what is in the other one."""
    name = f"split-{uuid.uuid4().hex}"
    connection = AMQPConnection(url=f"memory://{name}", prefetch=record.size)
    app = App(connections=[connection])
    app.route(
        [Queue("jobs", dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: record.size, Events.ON_EXCEPTION: Split()},
    )(record)
    for number in range(record.size):
        await connection.put(number, routing_key="jobs")
    async with app.started(), asyncio.timeout(LIMIT):
        await record.ended.wait()
    async with connection.channel() as channel:
        jobs, dead = [await channel.get_queue(name) for name in ("jobs", "jobs.dead")]
        count = dead.declaration_result.message_count
        letters = [int((await dead.get()).body) for _ in range(count)]
    await connection.close()
    forget(name)
    return jobs.declaration_result.message_count, letters


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_each_that_fails_meets_what_follows_once_and_each_good_one_is_confirmed(data):
    size = data.draw(st.integers(1, 70))
    some = st.sets(st.integers(0, size - 1))
    bad, own = data.draw(some), data.draw(st.one_of(st.just(set()), some))
    record = Record(size, bad, own)
    left, letters = asyncio.run(handled(record))
    assert record.alone == Counter(bad - own)
    assert sorted(letters) == sorted(bad - own)
    assert record.good == Counter(set(range(size)) - (bad - own))
    assert left == 0
    failing = len(bad - own)
    most = failing * (2 * math.ceil(math.log2(size)) + 1) if failing else 1
    assert record.calls <= most


async def test_a_lost_channel_forgets_the_halves_and_all_is_handled(
    private_node, inbox, name, publish, letters
):
    """The connection is cut as the first half is handled."""
    async with Proxy.to(private_node.port) as proxy:
        address = private_node.url.replace(str(private_node.port), str(proxy.port))
        app = App(connections=[AMQPConnection(url=address)])
        done = set()

        @app.route(
            [Queue(name, dead_letter=True)],
            type=RouteTypes.AMQP_RABBITMQ,
            options={
                Options.BULK_SIZE: 8,
                Options.MAX_CONCURRENCY: 1,
                Options.BULK_FLUSH_INTERVAL: 0.1,
                Events.ON_EXCEPTION: Split(),
            },
        )
        async def handle(messages):
            bodies = [message.body for message in messages]
            await inbox(messages)
            if bodies == [0, 1, 2, 3] and not messages[0].redelivered:
                proxy.cut()
            if 5 in bodies:
                raise ValueError("no 5")
            done.update(bodies)

        async with app.started():
            await publish(name, *numbers(8))
            assert await letters() == [5]
            async with asyncio.timeout(LIMIT):
                while done != set(range(8)) - {5}:
                    await inbox.batch()
