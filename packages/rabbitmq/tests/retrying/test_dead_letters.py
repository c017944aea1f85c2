"""Dead letters carry why; nothing is lost on their way."""

import asyncio
import uuid
from datetime import UTC, datetime
from itertools import pairwise

import aio_pika
import pytest

from asyncworker import Actions, App, Blueprint, Events, Options, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Exchange, PublishTimeout, Queue, Retry
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.publishing.publisher import Publisher
from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name

LIMIT = 60.0
ADDED = "x-asyncworker-"
SECRET = "hunter2"

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
async def name(admin):
    """The name of a queue that a route declares; it and what belongs to it is deleted."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for each in (name, f"{name}.dead", f"{name}.after", waiting_name(name, 100, is_quorum=False)):
        await admin.queue_delete(each)


@pytest.fixture
def failing(app, inbox, name):
    """Add a route whose handler raises what `raises` returns for a batch, if anything."""

    def failing(raises, on_exception=Actions.REJECT, queue=None, *, arguments=None, **options):
        given = {Events.ON_EXCEPTION: on_exception, **options}

        @app.route(
            [queue or Queue(name, dead_letter=True)],
            type=RouteTypes.AMQP_RABBITMQ,
            options=given,
            **(arguments or {}),
        )
        async def handler(messages):
            await inbox(messages)
            if (error := raises(messages)) is not None:
                raise error

    return failing


@pytest.fixture
def letters(admin, name):
    """Takes what comes into the dead-letter queue, from outside."""

    async def letters(count=1, queue=f"{name}.dead"):
        found = []
        async with asyncio.timeout(LIMIT):
            found_queue = await admin.get_queue(queue)
            async with found_queue.iterator(no_ack=True) as messages:
                while len(found) < count:
                    found.append(await anext(messages))
        return found

    return letters


def nothing_to_pay(messages):
    return ValueError("nothing to pay")


def told(letter):
    """What is told of its end."""
    return {
        key.removeprefix(ADDED): value
        for key, value in letter.headers.items()
        if key.startswith(ADDED)
    }


async def test_a_dead_letter_tells_why_where_and_when(
    app, failing, name, publish, letters, inbox, logs, depth
):
    before = datetime.now(UTC)
    failing(nothing_to_pay)
    async with app.started():
        await publish(name, b'{"id": 7}', message_id="m-1", headers={"tenant": "acme"})
        [letter] = await letters()
        # Confirmed only after it; nothing is left, and nothing is handled again.
        assert len(await inbox.batch()) == 1
    assert (letter.body, letter.message_id) == (b'{"id": 7}', "m-1")
    assert letter.headers["tenant"] == "acme"
    found = told(letter)
    assert found["error"] == "ValueError: nothing to pay"
    assert found["handler"] == "failing.<locals>.failing.<locals>.handler"
    assert (found["queue"], found["attempts"]) == (name, 1)
    assert found["first-failed-at"] == found["failed-at"]
    assert before <= datetime.fromisoformat(found["failed-at"]) <= datetime.now(UTC)
    assert "traceback" not in found
    assert await depth(name) == 0
    assert inbox.batches.empty()
    [record] = logs.errors
    assert "raised ValueError('nothing to pay')" in record.getMessage()


async def test_it_tells_of_its_death_as_the_broker_does(app, failing, name, publish, letters):
    failing(nothing_to_pay)
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    [death] = letter.headers["x-death"]
    assert (death["reason"], death["queue"], death["count"]) == ("rejected", name, 1)
    assert (death["exchange"], death["routing-keys"]) == ("", [name])
    assert abs((datetime.now(UTC) - death["time"]).total_seconds()) < LIMIT
    first = {key: letter.headers[f"x-first-death-{key}"] for key in ("reason", "queue", "exchange")}
    assert first == {"reason": "rejected", "queue": name, "exchange": ""}


async def test_what_it_was_published_with_stays_but_for_what_would_move_it_on(
    app, failing, name, declare, admin, letters, depth, path
):
    copies = await declare()
    failing(nothing_to_pay)
    death = {"queue": f"{name}.dead", "reason": "expired", "count": 1, "exchange": ""}
    sent = aio_pika.Message(
        b"1",
        priority=3,
        correlation_id="c-1",
        reply_to="r-1",
        timestamp=datetime(2024, 1, 2, tzinfo=UTC),
        expiration=60,
        user_id="guest",
        headers={"CC": [copies], "x-death": [death | {"routing-keys": [name]}], "deep": {"a": [1]}},
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with app.started():
        await admin.default_exchange.publish(sent, routing_key=name)
        [letter] = await letters()
    for kept in ("priority", "correlation_id", "reply_to", "timestamp", "delivery_mode"):
        assert getattr(letter, kept) == getattr(sent, kept)
    assert (letter.expiration, letter.user_id) == (None, None)
    assert letter.headers["deep"] == {"a": [1]}
    assert "CC" not in letter.headers
    found = told(letter)
    assert (found["expiration"], found["user-id"], found["cc"]) == ("60000", "guest", [copies])
    assert found["death"][0]["reason"] == "expired"
    # The broker in memory knows nothing of CC.
    assert await depth(copies) == (path != "memory")


async def test_after_the_last_attempt_it_tells_of_the_first_failure_too(
    app, failing, name, publish, letters, inbox
):
    def raises(messages):
        return OSError(f"attempt {messages[0].attempt}")

    failing(raises, Retry(attempts=3, delay=0.1, factor=1))
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
        seen = [(await inbox.batch())[0] for _ in range(3)]
    found = told(letter)
    assert (found["error"], found["attempts"]) == ("OSError: attempt 3", 3)
    first, last = (datetime.fromisoformat(found[key]) for key in ("first-failed-at", "failed-at"))
    assert (last - first).total_seconds() >= 0.2
    assert [one.headers.get(f"{ADDED}first-failed-at") for one in seen] == [
        None,
        found["first-failed-at"],
        found["first-failed-at"],
    ]
    assert [one["reason"] for one in letter.headers["x-death"]] == ["rejected"]


async def test_poison_tells_which_field_and_never_its_value(app, name, publish, letters, depth):
    @app.route([Queue(name, dead_letter=True)], type=RouteTypes.AMQP_RABBITMQ)
    async def pay(message: dict[str, int]): ...

    async with app.started():
        await publish(name, b'{"amount": "%b"}' % SECRET.encode(), b'{"amount": %b' % b"hunter2")
        bodies = await letters(2)
    by_body = {letter.body: told(letter) for letter in bodies}
    assert by_body[b'{"amount": "hunter2"}']["error"].startswith("Invalid: body does not fit: ")
    assert "amount" in by_body[b'{"amount": "hunter2"}']["error"]
    assert by_body[b'{"amount": hunter2']["error"].startswith("Invalid: body is no JSON")
    for found in by_body.values():
        assert SECRET not in str({key: found[key] for key in found})
        assert found["attempts"] == 1


async def test_a_message_that_rejects_itself_tells_nothing(app, failing, name, publish, letters):
    failing(lambda messages: messages[0].reject(requeue=False))
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    assert told(letter) == {}
    assert letter.headers["x-death"][0]["reason"] == "rejected"


async def test_one_that_rejects_itself_and_raises_tells_why(app, failing, name, publish, letters):
    def raises(messages):
        messages[0].reject(requeue=False)
        return ValueError("nothing to pay")

    failing(raises, Actions.ACK)
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    assert told(letter)["error"] == "ValueError: nothing to pay"


async def test_of_a_batch_one_that_spoke_for_itself_is_not_told_of_another_ones_failure(
    app, failing, name, publish, letters
):
    def raises(messages):
        messages[0].reject(requeue=False)
        return ValueError("about another")

    failing(raises, **{Options.BULK_SIZE: 3})
    async with app.started():
        await publish(name, b"1", b"2", b"3")
        found = {letter.body: told(letter).get("error") for letter in await letters(3)}
    assert found == {
        b"1": None,
        b"2": "ValueError: about another",
        b"3": "ValueError: about another",
    }


async def test_what_is_rejected_on_success_tells_nothing(app, failing, name, publish, letters):
    failing(lambda messages: None, **{Events.ON_SUCCESS: Actions.REJECT})
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    assert told(letter) == {}


@pytest.mark.parametrize("has_traceback", [False, True])
async def test_a_traceback_is_told_when_it_is_asked_for(
    app, failing, name, publish, letters, has_traceback
):
    def deeper(number):
        if number:
            return deeper(number - 1)
        raise ValueError("nothing to pay")

    failing(lambda messages: deeper(3), arguments={"dead_letter_traceback": has_traceback})
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    found = told(letter)
    assert ("traceback" in found) == has_traceback
    if has_traceback:
        lines = found["traceback"].splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert lines[-1] == "ValueError: nothing to pay"
        assert "in handler" in found["traceback"]
        assert "dispatch.py" not in found["traceback"]


async def test_what_is_told_is_bounded(app, failing, name, publish, letters):
    def huge(messages):
        errors = [ValueError("é" * 2_000_000) for _ in range(30)]
        for one in errors[1:]:
            one.__cause__ = errors[errors.index(one) - 1]
        return errors[-1]

    failing(huge, arguments={"dead_letter_traceback": True})
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    found = told(letter)
    assert found["error"].startswith("ValueError: ééé")
    assert len(found["error"].encode()) <= 1024
    assert 8 * 1024 < len(found["traceback"].encode()) <= 16 * 1024


@pytest.mark.parametrize(("size", "is_told"), [(125_000, True), (130_500, False)])
async def test_headers_that_fill_a_frame_leave_out_the_traceback_and_then_all_of_it(
    app, failing, name, publish, letters, logs, size, is_told
):
    def raises(messages):
        errors = [ValueError("x" * 990) for _ in range(10)]
        for before, one in pairwise(errors):
            one.__cause__ = before
        return errors[-1]

    failing(raises, arguments={"dead_letter_traceback": True})
    async with app.started():
        await publish(name, b"1", headers={"large": "x" * size})
        [letter] = await letters()
    found = told(letter)
    assert "traceback" not in found
    assert ("error" in found) == is_told
    assert letter.headers["x-death"][0]["reason"] == "rejected"
    lines = logs.matching("a dead letter cannot be published with the reason in its headers")
    assert len(lines) == (not is_told)


@pytest.mark.parametrize(
    "error", [PublishTimeout("on purpose"), NotSerializable("on purpose"), RuntimeError("a bug")]
)
async def test_what_cannot_be_published_is_rejected_as_ever_and_logged_once(
    app, failing, name, publish, letters, logs, monkeypatch, error
):
    async def refuse(*_):
        raise error

    monkeypatch.setattr(Publisher, "publish", refuse)
    failing(nothing_to_pay)
    async with app.started():
        await publish(name, b"1", b"2", b"3")
        found = await letters(3)
    assert [told(letter) for letter in found] == [{}, {}, {}]
    assert {letter.headers["x-death"][0]["reason"] for letter in found} == {"rejected"}
    [record] = logs.matching("a dead letter cannot be published with the reason in its headers")
    assert "on purpose" in record.getMessage() or "a bug" in record.getMessage()


async def test_where_the_dead_letter_queue_is_gone_it_is_as_ever(
    app, failing, name, publish, admin, letters, logs, depth
):
    failing(nothing_to_pay)
    async with app.started():
        await publish(name, b"1")
        await letters()
        await admin.queue_delete(f"{name}.dead")
        await publish(name, b"2")
        await logs.wait("a dead letter cannot be published with the reason in its headers")
    assert await depth(name) == 0


async def test_a_full_one_refuses_and_then_it_is_as_ever(app, failing, name, publish, logs, depth):
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    failing(nothing_to_pay, queue=Queue(name, dead_letter=Queue(f"{name}.dead", arguments=full)))
    async with app.started():
        await publish(name, b"1", b"2", b"3")
        await logs.wait("a dead letter cannot be published with the reason in its headers")
    # Two of them were dropped, as the broker does with what it cannot move.
    assert (await depth(name), await depth(f"{name}.dead")) == (0, 1)


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_queues_of_each_type_have_them(app, failing, name, publish, letters, kind):
    failing(nothing_to_pay, queue=Queue(name, type=kind, dead_letter=True))
    async with app.started():
        await publish(name, b"1", delivery_mode=2)
        [letter] = await letters()
    assert told(letter)["error"] == "ValueError: nothing to pay"


async def test_an_exchange_or_a_queue_by_name_gets_what_the_broker_sends(
    app, failing, name, declare, publish, letters, admin
):
    await declare(f"{name}.dead")
    exchange = Exchange(f"{name}.all", "fanout", auto_delete=True)
    failing(nothing_to_pay, queue=Queue(name, dead_letter=f"{name}.dead"))
    failing(nothing_to_pay, queue=Queue(f"{name}.after", dead_letter=exchange))
    async with app.started():
        await (await admin.get_queue(f"{name}.dead")).bind(f"{name}.all")
        await publish(name, b"1")
        await publish(f"{name}.after", b"2")
        found = await letters(2)
    assert [told(letter) for letter in found] == [{}, {}]


async def test_where_dead_letters_only_wait_the_broker_counts_their_deaths(
    app, failing, name, publish, inbox, declare
):
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.after"}
    await declare(name, **arguments)
    wait = Queue(f"{name}.after", ttl=0.05, dead_letter=name)

    def raises(messages):
        deaths = messages[0].headers.get("x-death", [])
        counts = [one["count"] for one in deaths if one["reason"] == "rejected"]
        return None if counts == [2] else ValueError("not yet")

    failing(raises, queue=Queue(name, dead_letter=wait))
    async with app.started():
        await publish(name, b"1")
        for _ in range(3):
            await inbox.batch()
    assert inbox.batches.empty()


async def test_a_handler_of_dead_letters_sees_where_they_came_from_and_may_fail_itself(
    app, failing, inbox, name, publish, letters
):
    dead = Queue(f"{name}.dead", dead_letter=Queue(f"{name}.after"))
    failing(nothing_to_pay, queue=Queue(name, dead_letter=dead))
    failing(lambda messages: KeyError("again"), queue=dead)
    async with app.started():
        await publish(name, b"1")
        [first] = await inbox.batch()
        [second] = await inbox.batch()
        [letter] = await letters(queue=f"{name}.after")
    assert (first.queue, second.queue) == (name, f"{name}.dead")
    assert second.routing_key == name
    assert second.headers[f"{ADDED}error"] == "ValueError: nothing to pay"
    found = told(letter)
    assert (found["error"], found["queue"]) == ("KeyError: 'again'", f"{name}.dead")
    assert found["first-failed-at"] == second.headers[f"{ADDED}first-failed-at"]
    assert [one["queue"] for one in letter.headers["x-death"]] == [f"{name}.dead"]
    assert letter.headers["x-first-death-queue"] == name
    assert [one["queue"] for one in found["death"]] == [name]


def test_a_traceback_without_a_queue_for_it_is_an_error_at_the_decorator():
    app = App(connections=[AMQPConnection(url="memory://")])
    reason = "dead_letter_traceback=True, but no queue of this route declares a queue for its dead"
    for queue in ("jobs", Queue("jobs"), Queue("jobs", dead_letter="dead")):
        with pytest.raises(ConfigurationError, match=reason):
            app.route([queue], type=RouteTypes.AMQP_RABBITMQ, dead_letter_traceback=True)(print)
    with pytest.raises(ConfigurationError, match="dead_letter_traceback must be True or False"):
        app.route([queue], type=RouteTypes.AMQP_RABBITMQ, dead_letter_traceback="yes")(print)


async def test_a_blueprint_says_it_too(app, inbox, name, publish, letters):
    blueprint = Blueprint()

    @blueprint.route(
        ["other", Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Actions.REJECT},
        dead_letter_traceback=True,
    )
    async def handler(messages):
        raise ValueError("nothing to pay")

    app.include(blueprint)
    async with app.started():
        await publish(name, b"1")
        [letter] = await letters()
    assert told(letter)["traceback"].endswith("ValueError: nothing to pay")
