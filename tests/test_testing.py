"""TestApp and the pytest plugin, with all backends."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError, HandlerTimeout
from asyncworker.rabbitmq import Binding, Exchange, Queue, Retry
from asyncworker.rabbitmq.errors import TopologyMismatch
from asyncworker.testing import NotIdle, TestApp

ROOT = Path(__file__).parent.parent
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "pytest_asyncworker",
]
CONFIGURATION = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def app():
    return App(
        connections=[
            AMQPConnection(hostname="nowhere.invalid", heartbeat=5),
            SSEConnection("https://nowhere.invalid/base"),
        ]
    )


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
        await worker.publish(b"no json", "orders")
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

    poison = [b"no json", b"\xff", b"[" * 100_000]
    async with TestApp(app) as worker:
        aside = worker.queue("aside")
        for body in poison:
            await worker.publish(body, "orders")
            await worker.publish(body, "aside")
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
            Queue("orders", arguments={"x-queue-type": "stream"}),
            "invalid arg 'x-queue-type'.* 'stream' is none of classic, quorum",
        ),
        (
            Queue("orders", bind=[Binding(Exchange("late", type="x-delayed-message"))]),
            "exchange 'late': .*unknown exchange type 'x-delayed-message'",
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


async def test_turns_the_brokers_clock_forward(app):
    handled = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        handled.extend(message.body for message in messages)

    async with TestApp(app) as worker:
        waiting = worker.queue(
            "later",
            x_message_ttl=3_600_000,
            x_dead_letter_exchange="",
            x_dead_letter_routing_key="orders",
        )
        await worker.publish("late", "later")
        await worker.idle()
        assert (handled, waiting.bodies) == ([], ["late"])
        await worker.advance(3_599)
        assert waiting.bodies == ["late"]
        await worker.advance(2)
        await worker.idle()
        assert (handled, waiting.bodies) == (["late"], [])


async def test_turns_the_clock_of_schedules_forward():
    app, runs = App(), []

    @app.run_every(60)
    async def each_minute():
        # As one that asks a server.
        await asyncio.sleep(0.001)
        runs.append("minute")

    @app.run_every(3600, first=90)
    async def each_hour(app):
        runs.append("hour")

    schedules = list(app.schedules)
    async with TestApp(app) as worker:
        assert runs == ["minute"]
        await worker.advance(59.9)
        await worker.idle()
        assert runs == ["minute"]
        await worker.advance(0.1)
        await worker.idle()
        assert runs == ["minute"] * 2
        await worker.advance(120)
        await worker.idle()
        assert runs == [*["minute"] * 2, "hour", *["minute"] * 2]
    assert app.schedules == schedules


async def test_lets_days_pass_for_what_runs_at_a_time_of_day():
    app, runs = App(), []

    @app.run_at("30 2 * * MON-FRI")
    async def report():
        runs.append("report")

    async with TestApp(app) as worker:
        assert runs == []
        await worker.advance(7 * 24 * 3600)
        await worker.idle()
        assert runs == ["report"] * 5


async def test_lets_time_pass_for_schedules_and_brokers_together():
    connections = [AMQPConnection(hostname="a.invalid"), AMQPConnection(hostname="b.invalid")]
    app, bodies = App(connections=connections), []

    @app.run_every(60, first=60)
    async def ask():
        bodies.append(worker.queue("q", connection=connections[0], x_message_ttl=90_000).bodies)
        await connections[0].put(len(bodies), "q")

    async with TestApp(app) as worker:
        await worker.advance(240)
        await worker.idle()
    assert bodies == [[], [1], [2], [3]]


async def test_knows_of_the_runs_of_schedules():
    app, may_end = App(), asyncio.Event()

    @app.run_every(60, first=60)
    async def slow():
        await may_end.wait()
        raise ValueError

    @app.run_every(60, first=60, options={Options.TIMEOUT: 0.01})
    async def endless():
        await asyncio.sleep(60)

    async with TestApp(app) as worker:
        await worker.advance(60)
        with pytest.raises(NotIdle, match=r"handler test_knows.*\.slow, every 60 s runs"):
            await worker.idle(timeout=0.5)
        may_end.set()
        await worker.idle()
        assert {type(error) for error in worker.errors} == {ValueError, HandlerTimeout}


async def test_brings_retries_forward_and_declares_what_routes_declare(app):
    attempts = []

    @app.route(
        [Queue("orders", bind=[Binding(Exchange("events", type="topic"), "order.*")])],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=3, delay=60, then=Actions.REJECT)},
    )
    async def handler(messages):
        attempts.extend(message.attempt for message in messages)
        raise ValueError

    async with TestApp(app) as worker:
        await worker.publish(1, "order.new", "events")
        for count in (1, 2, 3):
            await worker.idle()
            assert attempts == list(range(1, count + 1))
            await worker.advance(300)
        assert [one.outcome for one in worker.messages] == ["acked", "acked", "rejected"]
        assert len(worker.errors) == 3


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


def run_pytest(folder, *arguments):
    done = subprocess.run(
        [*PYTEST, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_example_passes():
    assert run_pytest(ROOT / "examples" / "testing")[0] == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "which app? Set asyncworker_app = module:app"),
        ("asyncworker_app = nothing:app", "asyncworker_app: there is no module 'nothing'"),
    ],
)
def test_the_plugin_says_which_app_is_missing(tmp_path, setting, said):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION + setting)
    (tmp_path / "test_it.py").write_text("async def test_it(worker): ...\n")
    code, output = run_pytest(tmp_path)
    assert code != 0
    assert said in output


def test_the_plugin_takes_the_app_of_a_fixture(tmp_path):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION)
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from asyncworker import App\n"
        "@pytest.fixture\n"
        "def asyncworker_app():\n"
        "    return App()\n"
        "async def test_it(worker):\n"
        "    await worker.idle()\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 0, output


def test_the_plugin_fails_a_test_that_does_not_look_at_what_handlers_raised(tmp_path):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION + "asyncworker_app = test_it:app")
    (tmp_path / "test_it.py").write_text(
        "from asyncworker import App\n"
        "app = App()\n"
        "@app.run_every(60)\n"
        "async def fail():\n"
        "    raise ValueError('unseen')\n"
        "async def test_it(worker): ...\n"
        "async def test_looking(worker):\n"
        "    assert len(worker.errors) == 1\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 1
    assert "ValueError: unseen" in output
    assert "2 passed, 1 error" in output


def test_the_plugin_says_what_it_needs(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text("def test_it(worker): ...\n")
    (tmp_path / "pytest_asyncio.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [*PYTEST, "-p", "no:asyncio"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "install asyncworker-core[testing]" in done.stdout


def test_the_plugin_imports_nothing_of_asyncworker(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'pytest_asyncworker' in sys.modules\n"
        "    assert 'asyncworker' not in sys.modules\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 0, output


@pytest.mark.parametrize("count", [1, 20])
async def test_an_app_has_no_problems_once_it_runs(count):
    app = App(connections=[AMQPConnection(hostname="rabbit")])

    async def handle(messages): ...

    app.route([f"queue-{n}" for n in range(count)], type=RouteTypes.AMQP_RABBITMQ)(handle)
    async with TestApp(app):
        assert app.problems == []
