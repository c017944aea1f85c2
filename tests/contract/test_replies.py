"""Direct reply-to: answers come back to the channel that asked, without a queue."""

import asyncio

import pytest
from aiormq import spec
from aiormq.exceptions import AMQPError
from aiormq.exceptions import PublishError as ReturnedError

from asyncworker.rabbitmq.amqp.methods import REPLY_TO, QueueDeclare, call
from tests.contract.client import LIMIT, Arrivals, address_of, get, publish, until_answers_come


async def refusal(doing):
    with pytest.raises(AMQPError) as raised:
        await doing
    return str(raised.value.args[0])


async def ignore(message):
    """Take a message."""


@pytest.fixture(autouse=True)
async def is_up(broker):
    channel = await broker.channel()
    await until_answers_come(channel, await broker.queue(channel))


async def test_brings_answers_to_the_channel_that_asked(broker, channel):
    others = await Arrivals.of(await broker.channel(), REPLY_TO, no_ack=True)
    arrivals = await Arrivals.of(channel, REPLY_TO, no_ack=True)
    queue = await broker.queue(channel)
    address = await address_of(channel, queue)
    assert address.startswith(f"{REPLY_TO}.")
    server = await broker.channel()
    for body in (b"1", b"2"):
        await publish(server, address, body, correlation_id="7")
    answers = [await arrivals.next() for _ in range(2)]
    assert [b"1", b"2"] == [answer.body for answer in answers]
    assert ["7", "7"] == [answer.header.properties.correlation_id for answer in answers]
    for answer in answers:
        assert arrivals.tag == answer.consumer_tag
        assert ("", address, False) == (answer.exchange, answer.routing_key, answer.redelivered)
    assert others.messages.empty()


async def test_gives_all_questions_of_a_channel_one_address(broker, channel):
    await channel.basic_consume(REPLY_TO, ignore, no_ack=True)
    other = await broker.channel()
    await other.basic_consume(REPLY_TO, ignore, no_ack=True)
    queue = await broker.queue(channel)
    first, second, third = [await address_of(one, queue) for one in (channel, channel, other)]
    assert first == second
    assert first != third


async def test_leaves_another_address_as_it_is(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"", reply_to=f"{REPLY_TO}.elsewhere")
    found = await channel.basic_get(queue, no_ack=True)
    assert f"{REPLY_TO}.elsewhere" == found.header.properties.reply_to


async def test_refuses_a_question_without_a_consumer_of_its_answer(channel):
    expected = "PRECONDITION_FAILED - fast reply consumer does not exist"
    assert expected == await refusal(publish(channel, "nowhere", b"", reply_to=REPLY_TO))


async def test_refuses_a_question_once_that_consumer_is_cancelled(broker, channel):
    arrivals = await Arrivals.of(channel, REPLY_TO, no_ack=True)
    await channel.basic_cancel(arrivals.tag)
    expected = "PRECONDITION_FAILED - fast reply consumer does not exist"
    assert expected == await refusal(publish(channel, "nowhere", b"", reply_to=REPLY_TO))


async def test_consumes_answers_again_after_a_cancel(broker, channel):
    arrivals = await Arrivals.of(channel, REPLY_TO, no_ack=True)
    await channel.basic_cancel(arrivals.tag)
    again = await Arrivals.of(channel, REPLY_TO, no_ack=True)
    await publish(channel, await address_of(channel, await broker.queue(channel)), b"answer")
    assert b"answer" == (await again.next()).body


async def test_refuses_to_have_answers_acknowledged(channel):
    expected = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    assert expected == await refusal(channel.basic_consume(REPLY_TO, ignore))


async def test_refuses_a_second_consumer_of_answers_on_one_channel(channel):
    await channel.basic_consume(REPLY_TO, ignore, no_ack=True)
    expected = "PRECONDITION_FAILED - reply consumer already set"
    assert expected == await refusal(channel.basic_consume(REPLY_TO, ignore, no_ack=True))


async def test_refuses_a_consumer_tag_that_answers_have(broker, channel):
    await channel.basic_consume(REPLY_TO, ignore, no_ack=True, consumer_tag="one")
    again = channel.basic_consume(await broker.queue(channel), ignore, consumer_tag="one")
    # The library knows of it before it asks the broker.
    with pytest.raises(AMQPError):
        await again


@pytest.mark.parametrize("end", ["channel", "connection"])
async def test_drops_answers_that_come_too_late(broker, channel, end):
    asker = await broker.channel()
    await asker.basic_consume(REPLY_TO, ignore, no_ack=True)
    address = await address_of(asker, await broker.queue(channel))
    await (asker if end == "channel" else asker.connection).close()
    async with asyncio.timeout(LIMIT):
        await publish(channel, address, b"late")


async def test_returns_an_answer_to_where_nobody_was(channel):
    await publish(channel, f"{REPLY_TO}.nobody", b"")
    with pytest.raises(ReturnedError, match="NO_ROUTE"):
        await channel.basic_publish(b"", routing_key=f"{REPLY_TO}.nobody", mandatory=True)


async def test_answers_who_asks_whether_somebody_waits(broker, channel):
    await channel.basic_consume(REPLY_TO, ignore, no_ack=True)
    address = await address_of(channel, await broker.queue(channel))
    other = await broker.channel()
    for name in (REPLY_TO, address):
        await call(other, QueueDeclare(queue=name, passive=True))
    await channel.close()
    assert "NOT_FOUND" in await refusal(call(other, QueueDeclare(queue=address, passive=True)))


async def test_has_no_queue_that_answers_are_in(channel):
    expected = f"NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'"
    assert expected == await refusal(get(channel, REPLY_TO))


async def test_confirms_what_is_answered(broker, channel):
    await channel.basic_consume(REPLY_TO, ignore, no_ack=True)
    address = await address_of(channel, await broker.queue(channel))
    confirmed = await channel.basic_publish(b"", routing_key=address)
    assert isinstance(confirmed, spec.Basic.Ack)
