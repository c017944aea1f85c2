"""TestApp, with all backends."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Binding, Exchange, Queue, Retry
from asyncworker.rabbitmq.errors import TopologyMismatch
from asyncworker.testing import NotIdle, TestApp


async def test_shows_how_each_message_was_settled(app):
    again = iter([True, False])

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        (message,) = messages
        if message.body == "reject":
            message.reject(requeue=False)
        elif message.body == "requeue" and next(again):
            message.reject(requeue=True)

    async with TestApp(app) as worker:
        for body in ("fine", "reject", "requeue"):
            await worker.publish(body, "orders", headers={"own": body})
        as_json = {"content_type": "application/json"}
        await worker.publish(b"no json", "orders", properties=as_json)
        await worker.idle()
        outcomes = [(one.raw_body, one.redelivered, one.outcome) for one in worker.messages]
        assert sorted(outcomes) == [
            (b'"fine"', False, "acked"),
            (b'"reject"', False, "rejected"),
            (b'"requeue"', False, "requeued"),
            (b'"requeue"', True, "acked"),
            (b"no json", False, "rejected"),
        ]
        first = worker.messages[0]
        assert (first.queue, first.body, first.headers) == ("orders", "fine", {"own": "fine"})
        assert worker.errors == []


async def test_shows_what_handlers_raised_and_what_was_dead_lettered(app):
    @app.run_on_startup
    async def declare(app):
        async with app["rabbitmq_connection"].channel() as channel:
            await channel.declare_queue(
                "orders",
                durable=True,
                arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"},
            )

    @app.route(
        ["orders"],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Actions.REJECT},
    )
    async def handler(messages):
        raise ValueError("no")

    async with TestApp(app) as worker:
        dead = worker.queue("dead")
        await worker.publish(1, "orders")
        await worker.idle()
        assert [str(error) for error in worker.errors] == ["no"]
        assert [message.outcome for message in worker.messages] == ["dead-lettered"]
        assert dead.bodies == [1]


async def test_shows_the_bytes_of_what_is_no_json(app):
    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    as_json = {"content_type": "application/json"}
    poison = [b"no json", b"\xff", b"[" * 100_000]
    async with TestApp(app) as worker:
        aside = worker.queue("aside")
        for body in poison:
            await worker.publish(body, "orders", properties=as_json)
            await worker.publish(body, "aside", properties=as_json)
        await worker.publish(1, "aside")
        await worker.idle()
        assert [message.body for message in worker.messages] == poison
        assert aside.bodies == [*poison, 1]


@pytest.fixture
def failing(app):
    """An app whose handlers of messages and events, and whose schedule, raise."""
    options = {Events.ON_EXCEPTION: Actions.REJECT}

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options=options)
    @app.route(["/rates"], type=RouteTypes.SSE)
    async def handler(items):
        raise ValueError(items[0].body)

    @app.run_every(60, first=60)
    async def scheduled():
        raise ValueError("scheduled")

    return app


async def test_fails_when_nobody_looked_at_what_handlers_raised(failing):
    with pytest.raises(ExceptionGroup, match="did not look at `errors`") as caught:
        async with TestApp(failing) as worker:
            await worker.publish("published", "orders")
            await worker.feed("/rates", '"fed"')
            await worker.advance(60)
            await worker.idle()
    assert {str(error) for error in caught.value.exceptions} == {"published", "fed", "scheduled"}


async def test_fails_for_what_handlers_raised_after_the_last_look(failing):
    with pytest.raises(ExceptionGroup) as caught:
        async with TestApp(failing) as worker:
            await worker.publish("early", "orders")
            await worker.idle()
            assert len(worker.errors) == 1
            await worker.publish("late", "orders")
            await worker.idle()
    assert [str(error) for error in caught.value.exceptions] == ["late"]


async def test_hides_no_failure_of_a_test_behind_those_of_handlers(failing):
    with pytest.raises(LookupError):
        async with TestApp(failing) as worker:
            await worker.publish("published", "orders")
            await worker.idle()
            raise LookupError


async def test_names_what_is_near_to_a_misspelt_name(app):
    async with TestApp(app) as worker:
        for wrong, right in (("mesages", "messages"), ("advanced", "advance"), ("Idle", "idle")):
            with pytest.raises(AttributeError, match=f"no '{wrong}': did you mean {right}?"):
                getattr(worker, wrong)


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        (
            Queue("orders", arguments={"x-queue-master-locator": "min-masters"}),
            "leave out the argument 'x-queue-master-locator'",
        ),
        (
            Queue("orders", arguments={"x-queue-type": "jms"}),
            "invalid arg 'x-queue-type'.* 'jms' is none of classic, quorum, stream",
        ),
        (
            Queue("orders", bind=[Binding(Exchange("late", type="x-delayed-message"))]),
            "exchange 'late': .*knows no exchange of type 'x-delayed-message'",
        ),
    ],
)
async def test_says_at_once_what_the_broker_in_memory_does_not_take(app, queue, reason):
    @app.route([queue, "innocent"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    with pytest.raises(TopologyMismatch, match=reason):
        async with TestApp(app):
            pass


async def test_says_why_a_queue_is_not_consumed(app, monkeypatch):
    @app.route([Queue("orders", bind=[Binding("missing")])], type=RouteTypes.AMQP_RABBITMQ)
    @app.route(["innocent"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    monkeypatch.setattr("asyncworker.testing.TestApp.idle.__defaults__", (2,))
    with pytest.raises(NotIdle, match="'orders': exchange 'missing' does not exist") as caught:
        async with TestApp(app):
            pass
    assert "innocent" not in str(caught.value)


async def test_says_what_is_not_settled(app):
    release = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await release.wait()

    async with TestApp(app) as worker:
        await worker.publish(1, "orders")
        with pytest.raises(NotIdle, match="1 message not settled; 1 handler running"):
            await worker.idle(timeout=0.5)
        assert [message.outcome for message in worker.messages] == [None]
        release.set()
        await worker.idle()


async def test_hands_batches_over_at_once(app):
    sizes = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 100})
    async def handler(messages):
        sizes.append(len(messages))

    async with TestApp(app) as worker:
        for number in range(3):
            await worker.publish(number, "orders")
        await worker.idle()
    assert sum(sizes) == 3


async def test_feeds_events_to_those_who_read_the_route(app):
    given = []

    @app.route(["/a", "/b"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 10})
    async def handler(events):
        given.extend((event.route, event.name, event.id, event.data) for event in events)
        if any(event.data == "raise" for event in events):
            raise ValueError

    async with TestApp(app) as worker:
        worker.feed("/a", {"number": 1}, name="added", id="7")
        await worker.idle()
        await worker.feed("/b", "two\nlines")
        worker.feed("/b", "raise")
        await worker.idle()
        assert [event.data for event in worker.events] == ['{"number": 1}', "two\nlines", "raise"]
        assert len(worker.errors) == 1
        with pytest.raises(ConfigurationError, match="the app reads no '/c'"):
            worker.feed("/c", "x")
    assert given == [
        ("/a", "added", "7", '{"number": 1}'),
        ("/b", "message", "", "two\nlines"),
        ("/b", "message", "", "raise"),
    ]


async def test_asks_over_http_what_publishes(app):
    @app.http.post("/orders")
    async def create(request: web.Request):
        await app["rabbitmq_connection"].put(await request.json(), "orders")
        return web.json_response({"taken": True}, status=202)

    async with TestApp(app) as worker:
        orders = worker.queue("orders")
        answer = await worker.request("POST", "/orders", json={"id": 1})
        assert (answer.status, answer.json, answer.text) == (
            202,
            {"taken": True},
            '{"taken": true}',
        )
        async with worker.client.get("/missing") as response:
            assert response.status == 404
        assert orders.bodies == [{"id": 1}]


async def test_leaves_the_app_as_it_was(app):
    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    @app.http.get("/")
    async def index(): ...

    connection = app["rabbitmq_connection"]
    before = list(app.routes), connection.broker, app.http.settings
    worker = TestApp(app)
    for _ in range(2):
        async with worker:
            await worker.publish(1, "orders")
            await worker.idle()
            assert len(worker.messages) == 1
        assert (app.routes, connection.broker, app.http.settings) == before
    with pytest.raises(AttributeError, match="TestApp has no 'feed'"):
        TestApp(App()).feed("/a")


async def test_keeps_the_brokers_of_several_connections_apart():
    left, right = AMQPConnection("left", name="left"), AMQPConnection("right", name="right")
    app = App(connections=[left, right])

    @app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, connection="left")
    async def handler(messages): ...

    async with TestApp(app) as worker:
        with pytest.raises(ConfigurationError, match="several connections, say which"):
            await worker.publish(1, "q")
        await worker.publish(1, "q", connection=left)
        other = worker.queue("q", connection=right)
        await worker.publish(2, "q", connection=right)
        await worker.idle()
        assert [message.body for message in worker.messages] == [1]
        assert other.bodies == [2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"hostname": "rabbit"}, {"hostname": "rabbit", "heartbeat": 5}),
        ({"hostname": "rabbit", "username": "me", "password": "mine"}, {"hostname": "rabbit"}),
        ({"hostname": "rabbit", "ssl": True}, {"url": "amqps://rabbit/"}),
        ({"hostname": ["first", "second"]}, {"hostname": "second"}),
    ],
)
async def test_knows_one_broker_by_its_address_whatever_connections_to_it_say(one, other):
    """As two connections of different prefetch, or a login for each purpose."""
    consuming = AMQPConnection(**one, name="consuming")
    publishing = AMQPConnection(**other, name="publishing")
    app = App(connections=[consuming, publishing])

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, connection="consuming")
    async def handler(messages): ...

    async with TestApp(app) as worker:
        await publishing.put({"id": 7}, "orders")
        await worker.idle()
        assert [message.body for message in worker.messages] == [{"id": 7}]


async def test_ends_when_the_app_does_not_start(app):
    @app.run_on_startup
    async def fail(app):
        raise ValueError("no start")

    broker = app["rabbitmq_connection"].broker
    with pytest.raises(Exception, match="no start"):
        async with TestApp(app):
            pass
    assert app["rabbitmq_connection"].broker == broker
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_says_that_a_backend_cannot_be_tested(app, monkeypatch):
    class Mute:
        route_type = RouteTypes.HTTP

        @asynccontextmanager
        async def serve(self, app, routes):
            yield

    @app.http.get("/")
    async def index(): ...

    from asyncworker import testing

    real = testing.load_backend
    monkeypatch.setattr(
        testing, "load_backend", lambda one: Mute() if one is RouteTypes.HTTP else real(one)
    )
    with pytest.raises(ConfigurationError, match=r"RouteTypes.HTTP routes cannot be tested"):
        async with TestApp(app):
            pass


@pytest.mark.parametrize("count", [1, 20])
async def test_an_app_has_no_problems_once_it_runs(count):
    app = App(connections=[AMQPConnection(hostname="rabbit")])

    async def handle(messages): ...

    app.route([f"queue-{n}" for n in range(count)], type=RouteTypes.AMQP_RABBITMQ)(handle)
    async with TestApp(app):
        assert app.problems == []


REJECT = {Events.ON_EXCEPTION: Actions.REJECT}


async def test_middlewares_and_what_they_raise_count_as_the_handlers(app):
    seen = []

    @app.middleware
    async def outer(call, call_next):
        seen.append((call.type, call.items and call.items[0].body))
        try:
            await call_next()
        except KeyError:
            # Handled: the test need not look at it.
            return
        if call.type is RouteTypes.AMQP_RABBITMQ:
            raise ValueError("no")

    @app.on_error
    async def report(error, call):
        seen.append(str(error))

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options=REJECT)
    def handler(messages):
        seen.append("handler")

    @app.run_every(60, middlewares=[outer])
    def job():
        raise KeyError("handled")

    async with TestApp(app) as worker:
        await worker.idle()
        assert seen == [(None, ()), (None, ())]
        seen.clear()
        await worker.publish(1, "orders")
        await worker.idle()
        assert seen == [(RouteTypes.AMQP_RABBITMQ, 1), "handler", "no"]
        assert [str(error) for error in worker.errors] == ["no"]
        assert [message.outcome for message in worker.messages] == ["rejected"]
    assert app.middlewares == [outer]
    assert len(app.error_hooks) == 1


async def test_one_middleware_is_around_messages_events_requests_and_schedules(app):
    seen = []

    @app.middleware
    async def keep(call, call_next):
        seen.append((call.type, len(call.items), call.request is not None))
        return await call_next()

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def store(messages): ...

    @app.route(["/prices"], type=RouteTypes.SSE)
    def follow(events): ...

    @app.http.get("/")
    def answer():
        return "answer"

    @app.run_every(60)
    async def job(): ...

    async with TestApp(app) as worker:
        await worker.publish(1, "orders")
        await worker.feed("/prices", "12")
        assert (await worker.request("GET", "/")).text == "answer"
        await worker.idle()
    assert sorted(seen, key=str) == sorted(
        [
            (None, 0, False),
            (RouteTypes.AMQP_RABBITMQ, 1, False),
            (RouteTypes.SSE, 1, False),
            (RouteTypes.HTTP, 0, True),
        ],
        key=str,
    )


async def test_delivers_everything_twice(app):
    amounts = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 3})
    async def handler(messages):
        amounts.extend(message.body for message in messages)

    async with TestApp(app, twice=True) as worker:
        for amount in range(5):
            await worker.publish(amount, "orders")
        await worker.idle()
        assert sorted(amounts) == sorted([*range(5)] * 2)
        assert [one.outcome for one in worker.messages] == ["acked"] * 10
        assert sorted(one.body for one in worker.messages if one.redelivered) == [*range(5)]
        assert worker.queue("orders").bodies == []


async def test_what_is_retried_comes_twice_and_not_more(app):
    attempts = []

    @app.route(
        ["orders"],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=3, delay=1)},
    )
    async def handler(messages):
        attempts.append(messages[0].attempt)
        raise LookupError

    async with TestApp(app, twice=True) as worker:
        await worker.publish("a", "orders")
        await worker.idle()
        for _ in range(2):
            await worker.advance(10)
            await worker.idle()
        assert sorted(attempts) == [1, 1, 2, 2, 3, 3]
        assert len(worker.errors) == 6


async def test_a_lost_connection_brings_again_what_a_handler_is_at(app):
    running, release = asyncio.Event(), asyncio.Event()
    handled = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        running.set()
        await release.wait()
        handled.append((messages[0].body, messages[0].redelivered))

    async with TestApp(app) as worker:
        await worker.publish("a", "orders")
        await running.wait()
        await worker.lose_connection()
        release.set()
        await worker.idle()
        await worker.publish("b", "orders")
        await worker.idle()
        assert handled == [("a", False), ("a", True), ("b", False)]
        assert [one.outcome for one in worker.messages] == ["requeued", "acked", "acked"]
        assert app.problems == []


async def test_a_killed_app_settles_nothing_and_starts_anew(app):
    running, handled, hooks = asyncio.Event(), [], []
    app.run_on_startup(lambda app: hooks.append("startup"))
    app.run_on_shutdown(lambda app: hooks.append("shutdown"))

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        handled.append(messages[0].redelivered)
        if len(handled) == 1:
            running.set()
            await asyncio.Event().wait()

    async with TestApp(app) as worker:
        await worker.publish("a", "orders")
        await running.wait()
        await worker.kill()
        await worker.idle()
        assert handled == [False, True]
        assert hooks == ["startup", "startup"]
        assert [one.outcome for one in worker.messages] == ["requeued", "acked"]
        assert app.problems == []
    assert hooks == ["startup", "startup", "shutdown"]


async def test_what_a_killed_app_held_is_not_published(app):
    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        messages[0].put("bill", "bills")
        if not messages[0].redelivered:
            running.set()
            await asyncio.Event().wait()

    running = asyncio.Event()
    async with TestApp(app) as worker:
        bills = worker.queue("bills")
        await worker.publish("a", "orders")
        await running.wait()
        await worker.kill()
        await worker.idle()
        assert bills.bodies == ["bill"]


async def test_the_place_of_a_killed_app_is_where_it_was_saved_last(app):
    class Cursor:
        def __init__(self):
            self.asked = asyncio.Event()

        async def load(self):
            return None

        async def save(self, place):
            self.asked.set()
            await asyncio.Event().wait()

    read, cursor = [], Cursor()

    @app.route(
        [Queue("visits", type="stream")],
        type=RouteTypes.AMQP_RABBITMQ,
        offset="first",
        cursor=cursor,
    )
    async def handler(messages):
        read.append(messages[0].offset)

    async with TestApp(app) as worker:
        await worker.publish("a", "visits")
        await cursor.asked.wait()
        await worker.kill()
        await worker.idle()
        assert read == [0, 0]
        await worker.kill()


async def test_events_go_with_a_killed_app_and_schedules_go_on():
    app = App(connections=[SSEConnection("http://prices.internal")])
    running, handled, ticks = asyncio.Event(), [], []

    @app.route(["/prices"], type=RouteTypes.SSE)
    async def handler(events):
        if events[0].data == "1":
            running.set()
            await asyncio.Event().wait()
        handled.append(events[0].data)

    app.run_every(60)(lambda: ticks.append(1))
    async with TestApp(app) as worker:
        await worker.feed("/prices", "1")
        await running.wait()
        before = len(ticks)
        await worker.kill()
        await worker.feed("/prices", "2")
        await worker.idle()
        # One at the new start.
        assert len(ticks) == before + 1
        await worker.advance(120)
        await worker.idle()
        assert handled == ["2"]
        assert len(ticks) == before + 3
