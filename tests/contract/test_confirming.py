"""Publishing: confirms, returns, and what is refused."""

import asyncio

import pytest
from aiormq import spec
from aiormq.exceptions import AMQPError, DeliveryError, PublishError

from tests.contract.client import bodies_in, end_of, publish, until_deep


async def test_confirms_what_is_published(broker, channel):
    queue = await broker.queue(channel)
    answer = await channel.basic_publish(b"x", routing_key=queue)
    assert isinstance(answer, spec.Basic.Ack)
    answers = await asyncio.gather(
        *[channel.basic_publish(b"y", routing_key=queue) for _ in range(50)]
    )
    assert all(isinstance(answer, spec.Basic.Ack) for answer in answers)
    assert len(await bodies_in(channel, queue)) == 51


async def test_confirms_what_nobody_wants(broker, channel):
    answer = await channel.basic_publish(b"x", routing_key=broker.name())
    assert isinstance(answer, spec.Basic.Ack)


async def test_returns_what_has_no_route_and_must_have_one(broker, channel):
    key = broker.name()
    with pytest.raises(PublishError) as raised:
        await channel.basic_publish(
            b"x" * 200_000,
            routing_key=key,
            mandatory=True,
            properties=spec.Basic.Properties(message_id="m"),
        )
    returned = raised.value.message
    assert isinstance(returned.delivery, spec.Basic.Return)
    assert (returned.delivery.reply_code, returned.delivery.reply_text) == (312, "NO_ROUTE")
    assert (returned.delivery.exchange, returned.delivery.routing_key) == ("", key)
    assert (returned.body, returned.header.properties.message_id) == (b"x" * 200_000, "m")


async def test_does_not_return_what_has_a_route(broker, channel):
    queue = await broker.queue(channel)
    answer = await channel.basic_publish(b"x", routing_key=queue, mandatory=True)
    assert isinstance(answer, spec.Basic.Ack)


async def test_refuses_what_one_of_several_queues_refuses(broker, channel):
    exchange = await broker.exchange(channel, "fanout")
    full = await broker.queue(channel, max_length=0, overflow="reject-publish")
    free = await broker.queue(channel)
    for queue in (full, free):
        await channel.queue_bind(queue, exchange)
    with pytest.raises(DeliveryError) as raised:
        await channel.basic_publish(b"x", exchange=exchange)
    assert isinstance(raised.value.frame, spec.Basic.Nack)
    assert await bodies_in(channel, free) == [b"x"]


async def test_publishes_without_confirms_too(broker):
    channel = await broker.channel(confirms=False)
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2")
    await until_deep(channel, queue, 2)
    assert await bodies_in(channel, queue) == [b"1", b"2"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"exchange": "missing"}, "NOT_FOUND - no exchange 'missing' in vhost '/'"),
        ({"expiration": "soon"}, "PRECONDITION_FAILED - invalid expiration 'soon': "),
        ({"expiration": "-1"}, "PRECONDITION_FAILED - invalid expiration '-1': "),
        (
            {"user_id": "other"},
            (
                "PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was "
                "'guest'"
            ),
        ),
    ],
)
async def test_closes_the_channel_of_who_publishes_what_cannot_be(channel, message, reason):
    own = {name: value for name, value in message.items() if name != "exchange"}
    with pytest.raises(AMQPError):
        await channel.basic_publish(
            b"x",
            exchange=message.get("exchange", ""),
            properties=spec.Basic.Properties(**own),
        )
    assert (await end_of(channel)).startswith(reason)


async def test_keeps_clients_from_an_internal_exchange(broker, channel):
    exchange = await broker.exchange(channel, "fanout", internal=True)
    with pytest.raises(AMQPError):
        await channel.basic_publish(b"x", exchange=exchange)
    assert await end_of(channel) == (
        f"ACCESS_REFUSED - cannot publish to internal exchange '{exchange}' in vhost '/'"
    )
