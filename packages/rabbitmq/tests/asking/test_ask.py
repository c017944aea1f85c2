"""Questions and what is answered to them, as whoever asks sees it."""

import asyncio
import gzip
import json
from datetime import UTC, datetime

import aio_pika
import pytest

from asyncworker import codecs
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    AskFailed,
    AskTimeout,
    NotSerializable,
    PublishRejected,
    Unroutable,
)
from asyncworker.rabbitmq.amqp.methods import REPLY_TO
from tests.contract.client import LIMIT

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
def ask(connection, queue):
    def ask(body=None, **options):
        return asyncio.create_task(connection.ask(body, queue, **options))

    return ask


async def test_returns_what_is_answered(ask, questions, answer):
    asked = ask({"sku": 7})
    question = await questions()
    assert {"sku": 7} == json.loads(question.body)
    await answer(
        question,
        b'{"price": 5}',
        content_type="application/json",
        headers={"source": "cache"},
        type="price",
        app_id="shop",
        message_id="a-1",
        timestamp=datetime(2026, 1, 2, tzinfo=UTC),
    )
    found = await asked
    assert ({"price": 5}, b'{"price": 5}') == (found.body, found.raw_body)
    assert {"source": "cache"} == found.headers
    assert ("price", "shop", "a-1") == (found.type, found.app_id, found.message_id)
    assert "application/json" == found.content_type
    assert datetime(2026, 1, 2, tzinfo=UTC) == found.timestamp
    assert found.content_encoding is None


async def test_asks_with_all_that_is_said(ask, questions, answer):
    asked = ask(
        "which?",
        timeout=45.5,
        headers={"a": 1},
        properties={"user_id": "guest"},
        message_id="q-1",
        type="question",
        app_id="shop",
        timestamp=datetime(2026, 1, 2, tzinfo=UTC),
        content_type="application/json; v=2",
    )
    question = await questions()
    assert ("q-1", "question", "shop") == (question.message_id, question.type, question.app_id)
    assert ("guest", {"a": 1}) == (question.user_id, question.headers)
    assert "application/json; v=2" == question.content_type
    assert 45.5 == question.expiration
    assert aio_pika.DeliveryMode.NOT_PERSISTENT == question.delivery_mode
    assert datetime(2026, 1, 2, tzinfo=UTC) == question.timestamp
    await answer(question)
    assert (await asked).body is None


async def test_has_any_number_in_flight_on_one_channel(ask, questions, answer):
    asked = [ask(number) for number in range(200)]
    received = [await questions() for _ in asked]
    assert 1 == len({one.reply_to for one in received})
    assert 200 == len({one.correlation_id for one in received})
    for question in reversed(received):
        await answer(question, b"[" + question.body + b"]")
    assert [[number] for number in range(200)] == [one.body for one in await asyncio.gather(*asked)]


@pytest.mark.parametrize("where", [{"routing_key": "nowhere"}, {"exchange": "nowhere"}])
async def test_raises_at_once_where_nobody_can_be_asked(connection, where):
    with pytest.raises(Unroutable, match="nowhere"):
        await connection.ask(1, **{"routing_key": "nowhere", **where})


async def test_raises_when_no_answer_comes_in_time(ask, questions, answer, queue):
    asked = ask(timeout=0.3)
    question = await questions()
    expected = rf"^no answer within 0\.3 s .*routing key '{queue}'$"
    with pytest.raises(AskTimeout, match=expected) as late:
        await asked
    assert isinstance(late.value, TimeoutError)
    assert (None, None) == (late.value.type, late.value.message)
    await answer(question, b'"late"')
    again = ask()
    await answer(await questions(), b'"in time"')
    assert "in time" == (await again).body


async def test_expires_with_whoever_waits(connection, queue, depth, admin):
    with pytest.raises(AskTimeout):
        await connection.ask(1, queue, timeout=0.05)
    found = await admin.get_queue(queue)
    async with asyncio.timeout(LIMIT):
        while await found.get(fail=False, no_ack=True) is not None:
            pass
    assert 0 == await depth(queue)


async def test_ignores_what_answers_nothing_that_was_asked(ask, questions, answer):
    asked = ask()
    question = await questions()
    for stranger in ("", "x" * 32, None):
        await answer(question, b'"no"', correlation_id=stranger)
    await answer(question, b'"yes"')
    await answer(question, b'"twice"')
    assert "yes" == (await asked).body


@pytest.mark.parametrize(
    ("body", "properties", "reason"),
    [
        (b"{", {"content_type": "application/json"}, "body is no JSON"),
        (b"\xff", {"content_type": "text/plain"}, "UTF-8|utf-8"),
        (b"x", {"content_encoding": "gzip"}, "gzip"),
        (b"x", {"content_encoding": "magic"}, "magic"),
    ],
)
async def test_raises_for_an_answer_that_cannot_be_read(
    ask, questions, answer, body, properties, reason
):
    asked = ask()
    await answer(await questions(), body, **properties)
    with pytest.raises(AskFailed, match=f"the answer cannot be read: .*({reason})"):
        await asked


async def test_undoes_a_content_encoding(ask, questions, answer):
    asked = ask()
    await answer(await questions(), gzip.compress(b"[1]"), content_encoding="gzip")
    found = await asked
    assert ([1], "gzip") == (found.body, found.content_encoding)


async def test_reads_and_writes_by_the_codec_of_the_connection(amqp_url, queue, questions, answer):
    class Reversed:
        def encode(self, value):
            return value[::-1].encode(), "text/reversed"

        def decode(self, body, message):
            assert "text/reversed" == message.content_type
            if body == b"!":
                raise KeyError("secret")
            return body.decode()[::-1]

    async with AMQPConnection(url=amqp_url, codec=Reversed()) as connection:
        asked = asyncio.create_task(connection.ask("abc", queue))
        question = await questions()
        assert b"cba" == question.body
        await answer(question, b"fed", content_type="text/reversed")
        assert "def" == (await asked).body
        asked = asyncio.create_task(connection.ask("abc", queue))
        await answer(await questions(), b"!", content_type="text/reversed")
        with pytest.raises(AskFailed, match="cannot be decoded: KeyError at") as failed:
            await asked
        assert "secret" not in str(failed.value)


async def test_leaves_bytes_alone_with_the_raw_codec(amqp_url, queue, questions, answer):
    async with AMQPConnection(url=amqp_url, codec=codecs.RAW) as connection:
        asked = asyncio.create_task(connection.ask(b"1", queue))
        await answer(await questions(), b"x", content_encoding="gzip")
        assert b"x" == (await asked).body


@pytest.mark.parametrize(
    ("body", "header", "expected"),
    [
        (b'{"type": "LookupError", "message": "no 7"}', "...", ("LookupError", "no 7")),
        (b"", "LookupError: no 7", ("LookupError", "no 7")),
        (b'["type"]', "LookupError", ("LookupError", "")),
        (b'{"type": 1, "message": null}', "a: b: c", ("a", "b: c")),
        (b"\xff", 7, ("7", "")),
    ],
)
async def test_raises_what_the_other_side_says_it_failed_with(
    ask, questions, answer, body, header, expected
):
    asked = ask()
    await answer(await questions(), body, headers={"x-asyncworker-error": header})
    with pytest.raises(AskFailed) as failed:
        await asked
    assert expected == (failed.value.type, failed.value.message)
    assert str(failed.value).endswith(": ".join(expected))
    assert not isinstance(failed.value, TimeoutError)


async def test_a_cancelled_question_leaves_nothing(ask, questions, answer, connection):
    asked = ask()
    question = await questions()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await answer(question)
    again = ask()
    await answer(await questions(), b"1")
    assert 1 == (await again).body
    asker = connection.asker("/")
    assert not asker._publisher._channel._waiting
    assert not asker._asking


async def test_a_close_ends_what_waits(ask, questions, answer, connection):
    asked = [ask(), ask()]
    for _ in asked:
        await questions()
    await connection.close()
    for one in asked:
        with pytest.raises(AskFailed, match="the connection was closed before the answer came"):
            await one
    again = ask()
    await answer(await questions(), b"1")
    assert 1 == (await again).body


async def test_a_close_may_come_as_the_time_is_over(ask, questions, connection):
    first = ask()
    second = ask()
    for _ in range(2):
        await questions()
    asker = connection.asker("/")
    now = asyncio.get_running_loop().time()
    limit = min(asker._asking, key=lambda one: one.when())
    closed = asyncio.Event()

    def close():
        assert limit.expired()
        asker.close()
        closed.set()

    limit.reschedule(now)
    # Called behind the limit, and before whoever waits for it.
    asyncio.get_running_loop().call_soon(close)
    async with asyncio.timeout(LIMIT):
        await closed.wait()
    for one in (first, second):
        with pytest.raises(AskFailed):
            await one


async def test_a_channel_that_ends_fails_what_was_confirmed(ask, questions, answer, connection):
    asked = ask()
    await questions()
    await connection.asker("/")._publisher._channel.underlay.close()
    expected = "the answer cannot come any more, and it is unknown whether the question was handled"
    with pytest.raises(AskFailed, match=expected):
        await asked
    again = ask()
    await answer(await questions(), b"1")
    assert 1 == (await again).body


async def test_a_close_ends_what_waits_for_a_connection():
    async with AMQPConnection(url="amqp://127.0.0.1:1/") as connection:
        failed = asyncio.Event()
        connection.asker("/")._link.on_problem.append(lambda problem: failed.set())
        asked = asyncio.create_task(connection.ask(1, "q"))
        async with asyncio.timeout(LIMIT):
            await failed.wait()
        await connection.close()
        with pytest.raises(AskFailed, match="the connection was closed"):
            await asked


async def test_says_why_nothing_was_asked_in_time():
    async with AMQPConnection(url="amqp://127.0.0.1:1/") as connection:
        expected = r"^not asked within 0\.3 s: .*routing key 'q': cannot connect to amqp"
        with pytest.raises(AskTimeout, match=expected):
            await connection.ask(1, "q", timeout=0.3)


async def test_a_question_that_is_refused_does_no_harm_to_later_ones(
    connection, ask, questions, answer
):
    with pytest.raises(PublishRejected, match="user_id"):
        await connection.ask(1, "nowhere", properties={"user_id": "stranger"})
    asked = ask()
    await answer(await questions(), b"1")
    assert 1 == (await asked).body


async def test_questions_that_were_refused_with_another_are_asked_again(
    connection, ask, questions, answer
):
    first = ask()
    await answer(await questions())
    await first
    refused = asyncio.create_task(connection.ask(1, "nowhere", properties={"user_id": "stranger"}))
    asked = [ask(number) for number in range(3)]
    for _ in asked:
        await answer(await questions(), b"1")
    assert [1, 1, 1] == [(await one).body for one in asked]
    with pytest.raises(PublishRejected):
        await refused


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"routing_key": "", "exchange": ""}, "needs routing_key="),
        ({"timeout": 0}, "timeout must be a number of seconds above 0"),
        ({"properties": {"reply_to": "me"}}, "ask() says 'reply_to' itself"),
        ({"properties": {"correlation_id": "1"}}, "ask() says 'correlation_id' itself"),
        ({"properties": {"expiration": "5"}}, "ask() says 'expiration' itself"),
        ({"properties": 5}, "properties must be a dict, got 5"),
        ({"headers": 5}, "headers must be a dict"),
        ({"priority": 256}, "priority must be an int from 0 to 255"),
        ({"vhost": ""}, "vhost"),
    ],
)
async def test_refuses_what_cannot_be_asked(connection, options, reason):
    with pytest.raises(ConfigurationError) as raised:
        await connection.ask(1, **{"routing_key": "q", **options})
    assert reason in str(raised.value)


async def test_refuses_a_body_without_form(connection):
    with pytest.raises(NotSerializable):
        await connection.ask(object(), "q")


async def test_may_wait_longer_than_a_message_can_expire(ask, questions, answer):
    asked = ask(timeout=float("inf"))
    question = await questions()
    assert question.expiration is None
    await answer(question)
    await asked


async def test_asks_from_one_event_loop_after_the_other(
    private_node, amqp_url, questions, answer, queue
):
    connection = AMQPConnection(url=amqp_url)

    async def ask():
        async with connection:
            return (await connection.ask(1, queue)).body

    def in_a_thread():
        return [asyncio.run(ask()), asyncio.run(ask())]

    asked = asyncio.create_task(asyncio.to_thread(in_a_thread))
    for _ in range(2):
        question = await questions()
        assert question.reply_to.startswith(f"{REPLY_TO}.")
        await answer(question, b"1")
    assert [1, 1] == await asked
