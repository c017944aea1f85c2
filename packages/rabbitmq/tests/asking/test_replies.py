"""Routes that answer, as whoever asks sees it."""

import asyncio
import json

import aio_pika
import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, AskFailed, Message, RabbitMQMessage, Retry
from asyncworker.rabbitmq.amqp.methods import REPLY_TO
from asyncworker.rabbitmq.amqp.properties import CORRELATION_ID, split_properties
from asyncworker.rabbitmq.settling.replies import reply
from tests.contract.client import LIMIT

pytestmark = pytest.mark.usefixtures("path")

SOON = {"delay": 0.05, "factor": 1}


@pytest.fixture
def route(app, queue):
    def route(handler, **options):
        return app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True, options=options)(
            handler
        )

    return route


@pytest.fixture
def ask(connection, queue):
    return lambda body=None, **options: connection.ask(body, queue, **options)


@pytest.fixture
async def replies(admin, queue):
    """Ask by hand; get all that comes back, in order."""
    answers = asyncio.Queue()
    address = await admin.declare_queue(exclusive=True)
    await address.consume(answers.put, no_ack=True)

    class Replies:
        async def ask(self, body=b"null", **properties):
            message = aio_pika.Message(body, reply_to=address.name, **properties)
            await admin.default_exchange.publish(message, queue)

        async def next(self):
            async with asyncio.timeout(LIMIT):
                return await answers.get()

        async def until(self, body):
            """What came before an answer."""
            before = []
            while (answer := await self.next()).body != body:
                before.append(answer.body)
            return before

    return Replies()


async def test_answers_what_the_handler_returns(app, route, ask, queue, depth):
    @route
    async def price(order: dict):
        return {"price": order["sku"] * 2}

    async with app.started():
        answer = await ask({"sku": 4})
        assert {"price": 8} == answer.body
        assert "application/json" == answer.content_type
    assert 0 == await depth(queue)


async def test_answers_many_at_once(app, route, ask):
    @route
    async def double(number: int):
        await asyncio.sleep(0)
        return number * 2

    async with app.started():
        answers = await asyncio.gather(*(ask(number) for number in range(100)))
    assert [number * 2 for number in range(100)] == [answer.body for answer in answers]


async def test_answers_null_where_the_handler_returns_nothing(app, route, ask):
    @route
    async def note(order: dict):
        pass

    async with app.started():
        assert (await ask({})).body is None


async def test_answers_a_batch_by_a_list_of_its_length(app, queue, ask):
    options = {Options.BULK_SIZE: 3}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True, options=options)
    async def double(messages: list[RabbitMQMessage]):
        return [message.body * 2 for message in messages]

    async with app.started():
        answers = await asyncio.gather(*map(ask, range(3)))
    assert [0, 2, 4] == [answer.body for answer in answers]


@pytest.mark.parametrize("returned", [None, [1], [1, 2, 3], 5, {"a": 1}])
async def test_says_that_a_batch_wants_a_list_of_its_length(app, queue, ask, returned):
    options = {Options.BULK_SIZE: 2, Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True, options=options)
    async def handler(messages: list[RabbitMQMessage]):
        return returned

    async with app.started():
        results = await asyncio.gather(ask(1), ask(2), return_exceptions=True)
    for failed in results:
        assert isinstance(failed, AskFailed)
        assert "ConfigurationError" == failed.type
        assert "with replies=True return a list of 2, with the answer to each" in failed.message


async def test_sends_nothing_for_a_message_without_reply_to_and_says_so_once(
    app, route, publish, queue, replies, depth, logs
):
    @route
    async def handler(number: int):
        return number

    async with app.started():
        for _ in range(2):
            await publish(queue, b"1", content_type="application/json", correlation_id="c")
        await replies.ask(b"2")
        assert b"2" == (await replies.next()).body
        await logs.wait(f"queue {queue!r}, vhost '/': a message has no reply_to")
    assert 0 == await depth(queue)
    assert 1 == len(logs.matching("has no reply_to"))


async def test_answers_to_any_queue_with_the_correlation_id(app, route, replies):
    @route
    async def handler(number: int):
        return Message(
            b"raw", headers={"a": 1}, type="t", content_type="text/x", properties={"app_id": "me"}
        )

    async with app.started():
        await replies.ask(b"1", correlation_id="c-1")
        answer = await replies.next()
        await replies.ask(b"1")
        assert (await replies.next()).correlation_id is None
    assert (b"raw", "c-1", {"a": 1}) == (answer.body, answer.correlation_id, answer.headers)
    assert ("t", "text/x", "me") == (answer.type, answer.content_type, answer.app_id)
    assert answer.message_id


async def test_handles_on_when_who_asked_has_gone(app, route, admin, queue, ask, depth, logs):
    @route
    async def handler(number: int):
        return number

    for address in ("gone", f"{REPLY_TO}.gone", "é" * 127, REPLY_TO):
        message = aio_pika.Message(b"1", reply_to=address)
        if address != REPLY_TO:
            await admin.default_exchange.publish(message, queue)
    async with app.started():
        assert 2 == (await ask(2)).body
    assert 0 == await depth(queue)
    assert not logs.matching("failed")


async def test_what_was_given_up_is_answered_by_the_error(app, route, replies, queue, depth, ask):
    async def handler(number: int):
        raise LookupError("no such order")

    route(handler, **{Events.ON_EXCEPTION: Actions.REJECT})
    async with app.started():
        with pytest.raises(AskFailed, match="LookupError: no such order") as failed:
            await ask(1)
        assert ("LookupError", "no such order") == (failed.value.type, failed.value.message)
        await replies.ask(b"1", correlation_id="c")
        answer = await replies.next()
    assert {"type": "LookupError", "message": "no such order"} == json.loads(answer.body)
    assert {"x-asyncworker-error": "LookupError: no such order"} == answer.headers
    assert ("application/json", "c") == (answer.content_type, answer.correlation_id)
    assert 0 == await depth(queue)


async def test_what_was_acknowledged_though_it_failed_is_answered_so_too(app, route, ask):
    async def handler(number: int):
        raise LookupError("no such order")

    route(handler, **{Events.ON_EXCEPTION: Actions.ACK})
    async with app.started():
        with pytest.raises(AskFailed, match="LookupError: no such order"):
            await ask(1)


async def test_what_was_rejected_is_answered_so(app, route, ask):
    @route
    async def handler(message: RabbitMQMessage[int]):
        message.reject(requeue=False)
        return 5

    async with app.started():
        with pytest.raises(AskFailed, match="the handler rejected the message") as failed:
            await ask(1)
        assert "Rejected" == failed.value.type


async def test_one_of_a_batch_that_was_accepted_before_it_failed_is_answered_so(app, queue, ask):
    options = {Options.BULK_SIZE: 2, Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True, options=options)
    async def handler(messages: list[RabbitMQMessage[int]]):
        next(message for message in messages if message.body == 1).accept()
        raise LookupError("no such order")

    async with app.started():
        accepted, failed = await asyncio.gather(ask(1), ask(2), return_exceptions=True)
    assert ("Unanswered", "LookupError") == (accepted.type, failed.type)


async def test_a_retried_message_is_answered_once(app, route, replies, admin, queue):
    async def handler(message: RabbitMQMessage[int]):
        if message.attempt < 3:
            raise LookupError("not yet")
        return [message.attempt, message.body]

    route(handler, **{Events.ON_EXCEPTION: Retry(attempts=3, **SOON)})
    async with app.started():
        await replies.ask(b"7", correlation_id="c")
        answer = await replies.next()
        assert (b"[3,7]", "c") == (answer.body, answer.correlation_id)
        await replies.ask(b"8")
        assert [] == await replies.until(b"[3,8]")


async def test_a_message_whose_attempts_are_used_up_is_answered_once(app, route, replies):
    async def handler(message: RabbitMQMessage[int]):
        if message.body == 1:
            raise LookupError(f"attempt {message.attempt}")
        return message.body

    route(handler, **{Events.ON_EXCEPTION: Retry(attempts=2, **SOON)})
    async with app.started():
        await replies.ask(b"1")
        assert {"type": "LookupError", "message": "attempt 2"} == json.loads(
            (await replies.next()).body
        )
        await replies.ask(b"2")
        assert [] == await replies.until(b"2")


async def test_nothing_is_answered_to_what_goes_back(app, route, replies):
    @route
    async def handler(message: RabbitMQMessage[int]):
        if not message.redelivered:
            raise LookupError("once more")
        return message.body

    async with app.started():
        await replies.ask(b"1")
        assert [] == await replies.until(b"1")


async def test_poison_is_answered_by_what_is_wrong_with_it(app, route, replies):
    @route
    async def handler(number: int):
        return number

    async with app.started():
        await replies.ask(b'"no number"', correlation_id="c")
        answer = await replies.next()
    told = json.loads(answer.body)
    assert "Invalid" == told["type"]
    assert "no number" not in told["message"]
    assert "c" == answer.correlation_id


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (object(), "NotSerializable"),
        (Message(1, "elsewhere"), "ConfigurationError"),
        (Message(1, correlation_id="own"), "ConfigurationError"),
    ],
)
async def test_what_is_no_answer_counts_as_raised(app, route, ask, returned, kind):
    async def handler(number: int):
        return returned

    route(handler, **{Events.ON_EXCEPTION: Actions.REJECT})
    async with app.started():
        with pytest.raises(AskFailed) as failed:
            await ask(1)
    assert kind == failed.value.type


async def test_an_answer_leaves_with_what_the_message_holds(app, route, ask, declare, admin, limit):
    other = await declare()

    @route
    async def handler(message: RabbitMQMessage[int]):
        message.put(1, other)
        return 2

    async with app.started():
        assert 2 == (await ask(1)).body
        # A broker may count what it has just taken a moment later.
        async with asyncio.timeout(limit), (await admin.get_queue(other)).iterator() as found:
            assert b"1" == (await anext(found)).body


async def test_an_error_that_cannot_be_told_keeps_no_message(
    app, route, replies, logs, queue, depth, monkeypatch, connection, ask
):
    async def handler(number: int):
        if number == 1:
            raise LookupError("no such order")
        return number

    async def fail(message, timeout):
        raise ValueError("not today")

    route(handler, **{Events.ON_EXCEPTION: Actions.REJECT})
    async with app.started():
        await replies.ask(b"2")
        await replies.next()
        with monkeypatch.context() as patch:
            patch.setattr(connection.publisher("/"), "publish", fail)
            await replies.ask(b"1")
            await logs.wait("whoever waits for its answer is not told")
        await replies.ask(b"2")
        assert [] == await replies.until(b"2")
    assert 0 == await depth(queue)


def test_echoes_a_correlation_id_that_is_no_text():
    message = RabbitMQMessage(body=None)
    message.content = (0, b"", b"\x06\x00\x03\xff\xfe\x00\x04r\xe9to", b"")
    outgoing = reply(message, 5, AMQPConnection(url="memory://").codec)
    assert b"\x03\xff\xfe\x00" == split_properties(outgoing.header)[CORRELATION_ID]
    assert b"\x00\x04r\xe9to" == outgoing.address
    assert not outgoing.mandatory


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"replies": "yes"}, "replies must be True or False, got 'yes'"),
        (
            {"replies": True, "publish_to": "q"},
            "publish_to= and replies=True are both given: what is returned goes to one place",
        ),
        (
            {"replies": True, "options": {Events.ON_SUCCESS: Actions.REJECT}},
            "replies publishes with messages that are acknowledged, and Events.ON_SUCCESS is",
        ),
    ],
)
def test_refuses_what_makes_no_sense(options, reason):
    app = App(connections=[AMQPConnection(url="memory://")])

    async def handler(messages):
        return [None]

    with pytest.raises(ConfigurationError) as raised:
        app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, **options)(handler)
    assert reason in str(raised.value)


def test_refuses_a_handler_that_says_that_it_returns_nothing():
    app = App(connections=[AMQPConnection(url="memory://")])

    async def handler(messages) -> None: ...

    expected = "replies publishes what it returns, and it says -> None: .*or leave replies out"
    with pytest.raises(ConfigurationError, match=expected):
        app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, replies=True)(handler)
