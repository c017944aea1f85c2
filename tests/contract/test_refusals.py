"""What the broker says no to, and in which words."""

import asyncio

import pytest
from aiormq import spec
from aiormq.exceptions import AMQPError

from tests.contract.client import Arrivals, end_of, publish

EXCLUSIVE = (
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It "
    "could be originally declared on another connection or the exclusive property value does not "
    "match that of the original declaration."
)
INEQUIVALENT = "PRECONDITION_FAILED - inequivalent arg "
RESERVED = "contains reserved prefix 'amq.*'"
DEFAULT = "ACCESS_REFUSED - operation not permitted on the default exchange"


async def refusal(call):
    with pytest.raises(AMQPError) as raised:
        await call
    return str(raised.value.args[0])


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"durable": True}, {}, "'durable' for {it}: received 'false' but current is 'true'"),
        (
            {},
            {"auto_delete": True},
            "'auto_delete' for {it}: received 'true' but current is 'false'",
        ),
        (
            {"arguments": {"x-message-ttl": 1000}},
            {"arguments": {"x-message-ttl": 2000}},
            "'x-message-ttl' for {it}: received '2000' but current is '1000'",
        ),
        (
            {"arguments": {"x-max-length": 5}},
            {},
            ("'x-max-length' for {it}: received none but current is the value '5' of type 'byte'"),
        ),
        (
            {"arguments": {"x-expires": 60_000}},
            {},
            (
                "'x-expires' for {it}: received none but current is the value '60000' of type "
                "'unsignedshort'"
            ),
        ),
        (
            {"arguments": {"x-max-length": 2**20}},
            {},
            (
                "'x-max-length' for {it}: received none but current is the value '1048576' of type "
                "'signedint'"
            ),
        ),
        (
            {"arguments": {"x-max-length-bytes": 2**40}},
            {},
            (
                "'x-max-length-bytes' for {it}: received none but current is the value "
                "'1099511627776' of type 'long'"
            ),
        ),
        (
            {"arguments": {"x-max-length": 300}},
            {},
            (
                "'x-max-length' for {it}: received none but current is the value '300' of type "
                "'short'"
            ),
        ),
        (
            {},
            {"arguments": {"x-dead-letter-exchange": "dead"}},
            (
                "'x-dead-letter-exchange' for {it}: received the value 'dead' of type "
                "'longstr' but current is none"
            ),
        ),
    ],
)
async def test_a_queue_that_is_declared_otherwise(broker, channel, first, second, reason):
    name = await broker.queue(channel)
    await channel.queue_delete(name)
    await channel.queue_declare(name, **first)
    said = await refusal(channel.queue_declare(name, **second))
    assert said == INEQUIVALENT + reason.format(it=f"queue '{name}' in vhost '/'")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (
            {},
            {"exchange_type": "fanout"},
            "'type' for {it}: received 'fanout' but current is 'direct'",
        ),
        ({}, {"durable": True}, "'durable' for {it}: received 'true' but current is 'false'"),
        ({}, {"internal": True}, "'internal' for {it}: received 'true' but current is 'false'"),
        (
            {},
            {"arguments": {"alternate-exchange": "other"}},
            (
                "'alternate-exchange' for {it}: received the value 'other' of type 'longstr' but "
                "current is none"
            ),
        ),
    ],
)
async def test_an_exchange_that_is_declared_otherwise(broker, channel, first, second, reason):
    name = await broker.exchange(channel, "direct", **first)
    said = await refusal(channel.exchange_declare(name, **second))
    assert said == INEQUIVALENT + reason.format(it=f"exchange '{name}' in vhost '/'")


async def test_arguments_that_rabbitmq_knows_nothing_of_make_no_difference(broker, channel):
    name = await broker.queue(channel, own=1)
    await channel.queue_declare(name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-message-ttl": -1},
        {"x-message-ttl": "1000"},
        {"x-expires": 0},
        {"x-max-length": -1},
        {"x-overflow": "explode"},
        {"x-dead-letter-exchange": 5},
        {"x-dead-letter-routing-key": "key"},
        {"x-queue-type": "strange"},
    ],
)
async def test_arguments_that_cannot_be(broker, channel, arguments):
    (name,) = arguments
    said = await refusal(channel.queue_declare(broker.name(), arguments=arguments))
    assert said.startswith("PRECONDITION_FAILED - ")
    assert name in said or "queue type" in said


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("queue_declare", ("amq.own",), f"ACCESS_REFUSED - queue name 'amq.own' {RESERVED}"),
        ("exchange_declare", ("amq.own",), f"ACCESS_REFUSED - exchange name 'amq.own' {RESERVED}"),
        ("exchange_declare", ("",), DEFAULT),
        ("exchange_delete", ("",), DEFAULT),
        ("queue_purge", ("missing",), "NOT_FOUND - no queue 'missing' in vhost '/'"),
        ("queue_bind", ("missing", "amq.direct"), "NOT_FOUND - no queue 'missing' in vhost '/'"),
        ("basic_get", ("missing",), "NOT_FOUND - no queue 'missing' in vhost '/'"),
        ("basic_consume", ("missing", print), "NOT_FOUND - no queue 'missing' in vhost '/'"),
        ("basic_get", ("",), "NOT_FOUND - no previously declared queue"),
        (
            "exchange_bind",
            ("amq.direct", "missing"),
            "NOT_FOUND - no exchange 'missing' in vhost '/'",
        ),
    ],
)
async def test_what_is_not_there_or_the_brokers_own(channel, method, arguments, reason):
    assert await refusal(getattr(channel, method)(*arguments)) == reason
    assert channel.connection.is_opened


async def test_bindings_of_what_is_not_there(broker, channel):
    queue = await broker.queue(channel)
    for method, arguments, reason in (
        ("queue_bind", (queue, "missing"), "NOT_FOUND - no exchange 'missing' in vhost '/'"),
        ("queue_bind", (queue, ""), DEFAULT),
        ("queue_unbind", (queue, ""), DEFAULT),
    ):
        channel = await broker.channel()
        assert await refusal(getattr(channel, method)(*arguments)) == reason


async def test_the_brokers_own_exchanges_stay(channel):
    said = await refusal(channel.exchange_delete("amq.direct"))
    assert said.startswith("ACCESS_REFUSED - ")


async def test_exchanges_and_queues_that_are_in_use(broker, channel):
    exchange = await broker.exchange(channel, "direct")
    queue = await broker.queue(channel)
    await channel.queue_bind(queue, exchange)
    await publish(channel, queue, b"x")
    in_use = "PRECONDITION_FAILED - {} in vhost '/' in use"
    said = await refusal(channel.exchange_delete(exchange, if_unused=True))
    assert said == in_use.format(f"exchange '{exchange}'")
    channel = await broker.channel()
    said = await refusal(channel.queue_delete(queue, if_empty=True))
    assert said == f"PRECONDITION_FAILED - queue '{queue}' in vhost '/' not empty"
    channel = await broker.channel()
    await Arrivals.of(channel, queue)
    said = await refusal(channel.queue_delete(queue, if_unused=True))
    assert said == in_use.format(f"queue '{queue}'")


async def test_a_second_consumer_beside_an_exclusive_one(broker, channel):
    queue = await broker.queue(channel)
    await Arrivals.of(channel, queue, exclusive=True)
    reason = f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use"
    for exclusive in (True, False):
        other = await broker.channel()
        said = await refusal(Arrivals.of(other, queue, exclusive=exclusive))
        assert said == reason


async def test_a_queue_of_another_connection(broker, channel):
    queue = await broker.queue(channel, exclusive=True)
    for call in (
        lambda other: other.queue_declare(queue, exclusive=True),
        lambda other: other.queue_delete(queue),
        lambda other: other.basic_consume(queue, print),
        lambda other: other.basic_get(queue),
        lambda other: other.queue_bind(queue, "amq.direct"),
    ):
        said = await refusal(call(await broker.channel()))
        assert said == EXCLUSIVE.format(queue=queue)


async def test_a_queue_that_becomes_exclusive(broker, channel):
    queue = await broker.queue(channel)
    said = await refusal(channel.queue_declare(queue, exclusive=True))
    assert said == EXCLUSIVE.format(queue=queue)


@pytest.mark.parametrize("how", ["ack", "reject", "nack", "twice", "multiple"])
async def test_a_tag_that_was_not_delivered(broker, channel, how):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"x")
    tag = 7
    if how == "twice":
        tag = (await channel.basic_get(queue)).delivery_tag
        await channel.basic_ack(tag)
    method = {"twice": "ack", "multiple": "ack"}.get(how, how)
    options = {"multiple": True} if how == "multiple" else {}
    await getattr(channel, f"basic_{method}")(tag, **options)
    assert await end_of(channel) == f"PRECONDITION_FAILED - unknown delivery tag {tag}"
    assert channel.connection.is_opened


async def test_a_channel_that_fails_puts_back_what_it_had(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"x")
    other = await broker.channel()
    await other.basic_get(queue)
    await other.basic_ack(9)
    await end_of(other)
    arrivals = await Arrivals.of(channel, queue)
    assert (await arrivals.next()).delivery.redelivered


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda one: one.basic_qos(prefetch_size=5), "NOT_IMPLEMENTED - prefetch_size!=0 (5)"),
        (lambda one: one.basic_recover(requeue=False), "NOT_IMPLEMENTED - requeue=false"),
        (lambda one: one.flow(active=False), "NOT_IMPLEMENTED - active=false"),
        (
            lambda one: one.exchange_declare("x", exchange_type="strange"),
            "COMMAND_INVALID - unknown exchange type 'strange'",
        ),
        (
            lambda one: one.basic_publish(b"x", exchange="amq.direct", immediate=True),
            "NOT_IMPLEMENTED - immediate=true",
        ),
    ],
)
async def test_what_ends_the_connection(channel, call, reason):
    with pytest.raises((AMQPError, asyncio.CancelledError)):
        await call(channel)
    assert await end_of(channel.connection) == reason


async def test_a_consumer_tag_that_is_taken(broker, channel):
    queue = await broker.queue(channel)
    await Arrivals.of(channel, queue, consumer_tag="mine")
    frame = spec.Basic.Consume(queue=queue, consumer_tag="mine")
    with pytest.raises((AMQPError, asyncio.CancelledError)):
        await channel.rpc(frame)
    said = await end_of(channel.connection)
    assert said == "NOT_ALLOWED - attempt to reuse consumer tag 'mine'"


async def test_a_flow_that_goes_on(channel):
    assert (await channel.flow(active=True)).active
