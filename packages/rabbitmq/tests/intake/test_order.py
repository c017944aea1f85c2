"""Messages of one key, one after the other, on any path."""

import asyncio
import json
from collections import defaultdict

import pytest

from asyncworker import Actions, App, Breaker, Events, Options, Pause, Rate, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry, Split
from asyncworker.testing import TestApp

pytestmark = pytest.mark.usefixtures("path")


class Shop:
    """A handler that notes what it is given, and fails as it is told."""

    def __init__(self):
        self.failing = {}
        """How often each body fails."""
        self.awaited = []
        """What is handled before a body that failed is handled again."""
        self.handled = []
        """Each body, with the attempt, in the order in which it was handled to its end."""
        self.failed = []
        self.busy = set()
        self.peak = 0
        self._changed = asyncio.Event()

    async def __call__(self, messages):
        keys = {message.body[0] for message in messages}
        assert not keys & self.busy, "two batches of one key at a time"
        self.busy |= keys
        self.peak = max(self.peak, len(self.busy))
        for _ in range(3):
            await asyncio.sleep(0)
        if keys & {key for key, *_ in self.failed}:
            await self._until_all(self.awaited)
        self.busy -= keys
        for message in messages:
            key = tuple(message.body)
            if self.failing.get(key, 0) > 0:
                self.failing[key] -= 1
                self.failed.append((*key, message.attempt))
                raise ConnectionError("no answer")
        self.handled += [(*message.body, message.attempt) for message in messages]
        self._changed.set()

    async def until(self, count, limit):
        async with asyncio.timeout(limit):
            while len(self.handled) < count:
                await self._change()

    async def _until_all(self, bodies):
        while not set(bodies) <= {(key, number) for key, number, _ in self.handled}:
            await self._change()

    async def _change(self):
        self._changed.clear()
        await self._changed.wait()

    def of(self, key):
        return [number for name, number, _ in self.handled if name == key]


@pytest.fixture
def shop():
    return Shop()


def bodies(count, keys="abcd"):
    return [json.dumps([keys[number % len(keys)], number]).encode() for number in range(count)]


def first(message):
    return message.body[0]


def served(app, queue, handler, **options):
    given = {getattr(Options, name, None) or Events[name]: one for name, one in options.items()}
    return app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)


def is_in_order(shop, keys="abcd"):
    return all(shop.of(key) == sorted(shop.of(key)) for key in keys)


async def test_keys_are_handled_side_by_side_and_each_in_order(app, shop, queue, publish, limit):
    await publish(queue, *bodies(400))
    served(app, queue, shop, ORDER_BY=first)
    async with app.started():
        await shop.until(400, limit)
    assert is_in_order(shop)
    assert shop.peak == 4


async def test_the_key_may_be_a_header(app, shop, queue, publish, limit):
    for body in bodies(40):
        await publish(queue, body, headers={"key": json.loads(body)[0]})
    # What has no such header waits for nothing.
    await publish(queue, json.dumps(["x", 1]).encode())
    served(app, queue, shop, ORDER_BY="key")
    async with app.started():
        await shop.until(41, limit)
    assert is_in_order(shop)


@pytest.mark.parametrize("policy", [Retry(attempts=4, delay=0.01), Actions.REQUEUE])
async def test_a_key_waits_for_what_fails_and_others_do_not(
    app, shop, queue, publish, limit, policy
):
    await publish(queue, *bodies(40))
    shop.failing = {("a", 4): 2, ("b", 1): 1}
    shop.awaited = [(key, number) for key, number in map(json.loads, bodies(40)) if key in "cd"]
    served(app, queue, shop, ORDER_BY=first, ON_EXCEPTION=policy)
    async with app.started():
        await shop.until(40, limit)
    assert is_in_order(shop)
    assert shop.handled.index(("c", 38, 1)) < shop.handled.index(("a", 8, 1))
    assert ("a", 4, 3 if isinstance(policy, Retry) else 1) in shop.handled
    attempts = [1, 2] if isinstance(policy, Retry) else [1, 1]
    assert [attempt for key, _, attempt in shop.failed if key == "a"] == attempts


async def test_attempts_come_to_their_end(app, shop, declare, publish, depth, limit, logs):
    dead = await declare()
    queue = await declare(**{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    await publish(queue, *bodies(8))
    shop.failing = {("a", 0): 9}
    served(app, queue, shop, ORDER_BY=first, ON_EXCEPTION=Retry(attempts=3, delay=0.01))
    async with app.started():
        await shop.until(7, limit)
        await logs.wait("gave up on 1 message after 3 attempts: reject")
    assert [attempt for _, _, attempt in shop.failed] == [1, 2, 3]
    assert await depth(dead) == 1
    assert is_in_order(shop)


async def test_a_key_may_go_on_without_what_failed(app, shop, queue, publish, limit):
    await publish(queue, *bodies(8))
    shop.failing = {("a", 0): 1}
    policy = Retry(attempts=3, delay=0.01)
    served(app, queue, shop, ORDER_BY=first, ORDER_ON_FAILURE="pass", ON_EXCEPTION=policy)
    async with app.started():
        await shop.until(8, limit)
    assert shop.of("a") == [4, 0]
    assert ("a", 0, 2) in shop.handled


async def test_batches_of_many_keys_keep_the_order_of_each(app, shop, queue, publish, limit):
    await publish(queue, *bodies(200, keys="abcdefg"))
    shop.failing = {("a", 0): 1, ("b", 64): 2}
    options = {"BULK_SIZE": 5, "BULK_FLUSH_INTERVAL": 0.05, "ORDER_BY": first}
    served(app, queue, shop, **options, ON_EXCEPTION=Retry(delay=0.01))
    async with app.started():
        await shop.until(200, limit)
    assert is_in_order(shop, "abcdefg")


async def test_a_batch_that_is_split_stays_in_order(app, shop, queue, publish, limit):
    await publish(queue, *bodies(80))
    shop.failing = {("a", 8): 9}
    options = {"BULK_SIZE": 8, "BULK_FLUSH_INTERVAL": 0.05, "ORDER_BY": first}
    served(app, queue, shop, **options, ON_EXCEPTION=Split())
    async with app.started():
        await shop.until(79, limit)
    assert is_in_order(shop)


async def test_batches_of_one_key_run_side_by_side(app, shop, queue, publish, limit):
    await publish(queue, *bodies(400))
    options = {"BULK_SIZE": 5, "BULK_FLUSH_INTERVAL": 0.05, "BULK_BY": first, "ORDER_BY": first}
    served(app, queue, shop, **options)
    async with app.started():
        await shop.until(400, limit)
    assert is_in_order(shop)
    assert shop.peak == 4


async def test_what_has_no_key_that_can_be_told_never_reaches_the_handler(
    app, shop, queue, publish, limit, logs
):
    await publish(queue, b"{}", b"[[]]", *bodies(4))
    served(app, queue, shop, ORDER_BY=first)
    async with app.started():
        await shop.until(4, limit)
        await logs.wait("rejected a message whose key cannot be told by Options.ORDER_BY: KeyError")
        await logs.wait(
            "rejected a message whose key cannot be told by Options.ORDER_BY: TypeError"
        )


@pytest.mark.parametrize("outcome", [Actions.REQUEUE, Retry(attempts=2, delay=0.01)])
async def test_what_has_no_key_waits_with_the_broker(
    app, shop, queue, publish, limit, logs, outcome
):
    await publish(queue, b"{}", b"no json", *bodies(4))
    served(app, queue, shop, ORDER_BY=first, ON_INVALID=outcome)
    async with app.started():
        await shop.until(4, limit)
        text = "will try again" if isinstance(outcome, Retry) else "put back"
        await logs.wait(f"{text} a message whose key cannot be told", count=1)
        await logs.wait(f"{text} a message whose body is no JSON", count=1)
    assert len(shop.handled) == 4
    assert shop.failed == []


async def test_a_route_that_waits_gives_back_what_it_holds(app, shop, queue, publish, limit, logs):
    await publish(queue, *bodies(60))
    shop.failing = {("a", number): 1 for number in (0, 4, 8)}
    policy = Retry(delay=0.01)
    breaker = Breaker(failures=1, of=1, pause=0.02)
    served(app, queue, shop, ORDER_BY=first, ON_EXCEPTION=policy, BREAKER=breaker)
    async with app.started():
        await logs.wait("tries one message")
        await shop.until(60, limit)
        assert app.problems == []
    assert sorted(number for _, number, _ in shop.handled) == list(range(60))
    assert is_in_order(shop)
    assert {attempt for _, _, attempt in shop.handled} == {1}


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_a_key_waits_for_what_ended_by_itself(app, queue, publish, limit, error):
    await publish(queue, *bodies(8, keys="ab"))
    seen, done = [], asyncio.Event()

    async def handler(messages):
        (message,) = messages
        if message.body == ["a", 0] and ("a", 0) not in seen:
            seen.append(("a", 0))
            raise error
        seen.append(tuple(message.body))
        if len(seen) == 9:
            done.set()

    served(app, queue, handler, ORDER_BY=first)
    async with app.started():
        async with asyncio.timeout(limit):
            await done.wait()
    assert [number for key, number in seen if key == "a"] == [0, 0, 2, 4, 6]


async def test_what_is_tried_waits_for_its_key(app, queue, publish, limit, logs):
    await publish(queue, *bodies(6, keys="a"))
    begun, gate, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen, busy = [], set()

    async def handler(messages):
        (message,) = messages
        key, number = message.body
        assert key not in busy, "two of one key at a time"
        busy.add(key)
        begun.set()
        if number == 0 and not seen:
            await gate.wait()
        busy.discard(key)
        seen.append(number)
        if len(seen) == 6:
            done.set()

    served(app, queue, handler, ORDER_BY=first)
    async with app.started():
        await logs.wait("consuming")
        async with asyncio.timeout(limit):
            await begun.wait()
        app.routes[0].circuit.failed(Pause(0.01))
        await logs.wait("tries one message")
        gate.set()
        async with asyncio.timeout(limit):
            await done.wait()
    assert seen == list(range(6))


async def test_what_is_held_goes_back_when_the_app_ends(app, shop, queue, publish, limit, depth):
    await publish(queue, *bodies(8))
    shop.failing = {("a", 0): 1}
    served(app, queue, shop, ORDER_BY=first, ON_EXCEPTION=Retry(delay=300))
    async with app.started():
        await shop.until(6, limit)
    assert await depth(queue) == 2


async def test_an_order_outlives_a_lost_connection(app, shop, queue, publish, limit, monkeypatch):
    await publish(queue, *bodies(200))
    lost = asyncio.Event()
    seen = defaultdict(list)

    async def handler(messages):
        (message,) = messages
        key, number = message.body
        assert key not in shop.busy, "two of one key at a time"
        shop.busy.add(key)
        if number == 40 and not lost.is_set():
            lost.set()
            await message.channel._channel.underlay.close()
        for _ in range(5):
            await asyncio.sleep(0)
        shop.busy.discard(key)
        seen[key].append(number)
        shop.handled.append((key, number, 1))
        shop._changed.set()

    served(app, queue, handler, ORDER_BY=first)
    async with app.started():
        async with asyncio.timeout(limit):
            while len({number for _, number, _ in shop.handled}) < 200:
                shop._changed.clear()
                await shop._changed.wait()
    for numbers in seen.values():
        # Delivered again is allowed; what follows of a key never comes before.
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ORDER_BY": 7}, "Options.ORDER_BY: must be a function of one message"),
        ({"ORDER_BY": ""}, "Options.ORDER_BY: must be a function of one message"),
        ({"BULK_BY": 7, "BULK_SIZE": 2}, "Options.BULK_BY: must be a function of one message"),
        ({"BULK_BY": "key"}, "Options.BULK_BY is about what a batch holds, and Options.BULK_SIZE"),
        ({"BULK_BYTES": 9}, "Options.BULK_BYTES is about what a batch holds, and Options.BULK_SIZ"),
        ({"BULK_BYTES": 0, "BULK_SIZE": 2}, "Options.BULK_BYTES: input should be greater than or"),
        ({"ORDER_ON_FAILURE": "pass"}, "Options.ORDER_ON_FAILURE is about the keys of Options.ORD"),
        (
            {"ORDER_BY": "key", "ORDER_ON_FAILURE": "skip"},
            "Options.ORDER_ON_FAILURE: input should be 'hold' or 'pass', got 'skip'",
        ),
        ({"RATE": 5}, "Options.RATE: must be a Rate, got 5"),
        (
            {"ORDER_BY": "key", "BULK_BY": "other", "BULK_SIZE": 2},
            "Options.BULK_BY and Options.ORDER_BY are two keys",
        ),
        ({"RATE": Rate(1, by="key"), "BULK_SIZE": 2}, "Options.RATE: by= tells whose rate it is"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(app, shop, options, reason):
    with pytest.raises(ConfigurationError) as caught:
        served(app, "orders", shop, **options)
    assert reason in str(caught.value)


async def test_what_ends_after_a_lost_connection_has_no_handler_called_with_nothing():
    app = App(connections=[AMQPConnection(url="memory://")])
    began, may_end, sizes = asyncio.Event(), asyncio.Event(), []

    @app.route(
        [Queue("orders")], type=RouteTypes.AMQP_RABBITMQ, options={Options.ORDER_BY: "customer"}
    )
    async def handler(messages):
        sizes.append(len(messages))
        began.set()
        await may_end.wait()

    async with TestApp(app) as worker:
        await worker.publish(1, "orders", headers={"customer": "ann"})
        await began.wait()
        await worker.lose_connection()
        may_end.set()
        await worker.idle()
    assert sizes == [1, 1]
