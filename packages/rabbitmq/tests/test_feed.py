"""What the feed is told of messages, of what is published, and of connections."""

import asyncio

import pytest

from asyncworker import App
from asyncworker.feed import Connected, Disconnected, SourceChanged, Statistics
from asyncworker.options import Actions, Events, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Message, Queue, Retry, Target, Unroutable

pytestmark = pytest.mark.usefixtures("path")


class Told:
    """Read the feed, and let a test wait for what it tells."""

    def __init__(self, feed):
        self.feed = feed
        self.events = []
        feed.subscribe(SourceChanged, Connected, Disconnected)(self._take)
        self._changed = asyncio.Event()

    async def _take(self, events):
        self.events += events
        self._changed.set()

    def activity(self, kind):
        self.feed.flush()
        [found] = [one for one in self.feed.activities if one.kind == kind]
        return found

    async def outcomes(self, kind, expected, limit):
        """Wait until so much is counted, and nothing else."""
        found = {}
        try:
            async with asyncio.timeout(limit):
                while (found := dict(self.activity(kind).outcomes)) != expected:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"counted {found}, not {expected}")

    async def first(self, limit, is_it):
        async with asyncio.timeout(limit):
            while not (found := [one for one in self.events if is_it(one)]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]


@pytest.fixture
def told(app):
    return Told(app.feed)


def route(app, queues, **options):
    events = {Events[name.upper()]: value for name, value in options.items() if "on_" in name}
    others = {Options[name.upper()]: value for name, value in options.items() if "on_" not in name}
    return app.route(queues, type=RouteTypes.AMQP_RABBITMQ, options=events | others)


async def test_counts_what_was_acknowledged_by_the_queue(app, told, declare, publish, limit):
    first, second = await declare(), await declare()

    @route(app, [first, second])
    async def handler(_messages):
        pass

    async with app.started():
        await publish(first, b"1", b"2")
        await publish(second, b"3")
        await told.outcomes("rabbitmq", {(first, "ack"): 2, (second, "ack"): 1}, limit)


async def test_counts_what_a_handler_decides_for_each_message(app, told, queue, publish, limit):
    @route(app, [queue], bulk_size=3)
    async def handler(messages):
        messages[0].reject(requeue=False)

    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        await told.outcomes("rabbitmq", {(queue, "ack"): 2, (queue, "reject"): 1}, limit)


async def test_counts_retries_and_what_is_given_up(app, told, queue, publish, limit):
    @route(app, [queue], on_exception=Retry(attempts=2, delay=0.001))
    async def handler(_messages):
        raise ValueError("always")

    async with app.started():
        await publish(queue, b"1")
        await told.outcomes("rabbitmq", {(queue, "retry"): 1, (queue, "reject"): 1}, limit)
        activity = told.activity("rabbitmq")
        assert activity.failures == 2
        assert activity.last_error[0] == "ValueError('always')"


async def test_counts_what_is_put_back(app, told, queue, publish, limit):
    @route(app, [queue], on_exception=Actions.REQUEUE)
    async def handler(messages):
        if not messages[0].redelivered:
            raise ValueError("once")

    async with app.started():
        await publish(queue, b"1")
        await told.outcomes("rabbitmq", {(queue, "requeue"): 1, (queue, "ack"): 1}, limit)


async def test_counts_poison_though_no_handler_is_given_it(app, told, queue, publish, limit):
    @route(app, [queue])
    async def handler(_messages):
        pass

    async with app.started():
        await publish(queue, b"{no json")
        await told.outcomes("rabbitmq", {(queue, "reject"): 1}, limit)


async def test_counts_what_leaves_with_messages_when_it_has_left(
    app, told, declare, publish, limit
):
    queue, other = await declare(), await declare()

    @route(app, [queue], bulk_size=2)
    async def handler(messages):
        messages[0].put({"to": "other"}, other)

    async with app.started():
        await publish(queue, b"1", b"2")
        await told.outcomes("rabbitmq", {(queue, "ack"): 2}, limit)
        await told.outcomes("publish", {("/", "confirmed"): 1}, limit)


async def test_counts_a_message_once_whose_answer_cannot_be_published(
    app, told, declare, publish, limit
):
    queue = await declare()

    @app.route(
        [queue],
        type=RouteTypes.AMQP_RABBITMQ,
        publish_to=Target("nowhere"),
        options={Events.ON_EXCEPTION: Actions.REJECT},
    )
    async def handler(_messages):
        return {"never": "arrives"}

    async with app.started():
        await publish(queue, b"1")
        await told.outcomes("rabbitmq", {(queue, "reject"): 1}, limit)
        await told.outcomes("publish", {("/", "unroutable"): 1}, limit)


async def test_counts_what_is_published(app, connection, told, queue, limit):
    async with app.started():
        await connection.put({"a": 1}, queue)
        await connection.put_many([Message({"a": 2}, queue), Message({"a": 3}, queue)])
        with pytest.raises(Unroutable):
            await connection.put({"a": 4}, "nowhere")
        with pytest.raises(ExceptionGroup):
            await connection.put_many([Message({"a": 5}, "nowhere"), Message({"a": 6}, queue)])
        await told.outcomes("publish", {("/", "confirmed"): 4, ("/", "unroutable"): 2}, limit)
        activity = told.activity("publish")
        assert activity.failures == 2
        assert activity.load().in_flight == 0


async def test_tells_that_a_queue_is_consumed_and_why_it_is_not(app, told, admin, queue, limit):
    @route(app, [queue])
    async def handler(_messages):
        pass

    async with app.started():
        await told.first(limit, lambda one: getattr(one, "state", None) == "working")
        assert told.activity("rabbitmq").sources[queue].reason is None
        await admin.queue_delete(queue)
        lost = await told.first(limit, lambda one: getattr(one, "state", None) == "waiting")
        assert lost.source == queue
        assert "deleted" in lost.reason or "not there" in lost.reason


async def test_says_how_much_there_is_to_do(app, told, queue, publish, limit):
    entered, goes_on = asyncio.Event(), asyncio.Event()

    @route(app, [queue], bulk_size=2, max_concurrency=1)
    async def handler(_messages):
        entered.set()
        await goes_on.wait()

    async with app.started():
        await publish(queue, *[b"1"] * 5)
        async with asyncio.timeout(limit):
            await entered.wait()
            while (load := told.activity("rabbitmq").load()).waiting < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert load.in_flight == 2
        assert load.oldest > 0
        goes_on.set()


async def test_knows_how_long_after_they_were_published_messages_are_settled(
    app, connection, queue, limit
):
    statistics = Statistics()
    app.feed.add(statistics)

    @route(app, [queue])
    async def handler(_messages):
        pass

    async with app.started():
        await connection.put({"a": 1}, queue)
        [activity] = [one for one in app.feed.activities if one.kind == "rabbitmq"]
        async with asyncio.timeout(limit):
            while activity not in statistics.totals or not statistics.totals[activity].ages.count:
                app.feed.flush()
                await asyncio.sleep(0.01)
        assert statistics.totals[activity].ages.sum < limit


async def test_tells_that_a_connection_is_lost_and_open_again(private_node, limit):
    app = App(connections=[AMQPConnection(url=private_node.url, name="main")])
    told = Told(app.feed)

    @app.route([Queue("told-of-losses")], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(_messages):
        pass

    async with app.started():
        await told.first(limit, lambda one: isinstance(one, Connected))
        told.events.clear()
        await asyncio.to_thread(private_node.ctl, "close_all_connections", "test")
        lost = await told.first(limit, lambda one: isinstance(one, Disconnected))
        assert lost.connection == "main"
        await told.first(limit, lambda one: isinstance(one, Connected))
