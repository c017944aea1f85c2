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
NOT_OF_TYPE = (
    "PRECONDITION_FAILED - invalid arg '{name}' for queue '{queue}' in vhost '/' of queue type "
    "rabbit_{type}_queue"
)
MAX_SIZE = 16 * 2**20
RESERVED = "contains reserved prefix 'amq.*'"
DEFAULT = "ACCESS_REFUSED - operation not permitted on the default exchange"


async def refusal(call):
    with pytest.raises(AMQPError) as raised:
        await call
    return str(raised.value.args[0])


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {"durable": False}, "'durable' for {it}: received 'false' but current is 'true'"),
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
            {"arguments": {"x-max-priority": 3}},
            {"arguments": {"x-max-priority": 4}},
            "'x-max-priority' for {it}: received '4' but current is '3'",
        ),
        (
            {"arguments": {"x-single-active-consumer": True}},
            {},
            (
                "'x-single-active-consumer' for {it}: received none but current is the value "
                "'true' of type 'bool'"
            ),
        ),
        (
            {"arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3}},
            {"arguments": {"x-queue-type": "quorum"}},
            (
                "'x-delivery-limit' for {it}: received none but current is the value '3' of type "
                "'byte'"
            ),
        ),
        (
            {"arguments": {"x-queue-type": "classic"}},
            {"arguments": {"x-queue-type": "quorum"}},
            "'x-queue-type' for {it}: received 'quorum' but current is 'classic'",
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
    await channel.queue_declare(name, **{"durable": True, **first})
    said = await refusal(channel.queue_declare(name, **{"durable": True, **second}))
    assert said == INEQUIVALENT + reason.format(it=f"queue '{name}' in vhost '/'")


async def test_a_queue_without_a_type_is_since_4_called_classic(broker, channel):
    name = await broker.queue(channel)
    said = await refusal(
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    )
    shown = (
        "received 'quorum' but current is 'classic'"
        if broker.version >= (4,)
        else "received the value 'quorum' of type 'longstr' but current is none"
    )
    assert said == f"{INEQUIVALENT}'x-queue-type' for queue '{name}' in vhost '/': {shown}"


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
    await channel.queue_declare(name, durable=True)


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
    said = await refusal(channel.queue_declare(broker.name(), durable=True, arguments=arguments))
    assert said.startswith("PRECONDITION_FAILED - ")
    assert name in said or "queue type" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"x-max-priority": 256}, "{max_value_exceeded,256}"),
        ({"x-max-priority": -1}, "{value_negative,-1}"),
        ({"x-max-priority": "high"}, '"expected integer, got longstr"'),
        ({"x-single-active-consumer": 1}, "{unacceptable_type,byte}"),
    ],
)
async def test_what_it_says_of_arguments(broker, channel, arguments, reason):
    (name,), queue = arguments, broker.name()
    said = await refusal(channel.queue_declare(queue, durable=True, arguments=arguments))
    where = f"queue '{queue}' in vhost '/'"
    assert said == f"PRECONDITION_FAILED - invalid arg '{name}' for {where}: {reason}"


async def test_a_storage_of_classic_queues_that_is_gone_since_4_3(broker, channel, since_4_3):
    await broker.queue(channel, queue_version=2)
    queue = broker.name()
    said = await refusal(
        channel.queue_declare(queue, durable=True, arguments={"x-queue-version": 1})
    )
    assert said == (
        f"PRECONDITION_FAILED - invalid arg 'x-queue-version' for queue '{queue}' in vhost '/': "
        "\"unsupported queue version '1'\""
    )


async def test_a_place_for_leaders_which_is_gone_since_4_3(broker, channel, since_4_3):
    await refusal(
        channel.queue_declare(
            broker.name(), durable=True, arguments={"x-queue-master-locator": "min-masters"}
        )
    )
    said = await end_of(channel.connection)
    assert said.startswith("INTERNAL_ERROR - Feature `queue_master_locator` is deprecated.")


@pytest.mark.parametrize(
    ("type", "argument"),
    [
        ("classic", {"x-delivery-limit": 5}),
        ("quorum", {"x-max-priority": 5}),
        ("quorum", {"x-queue-mode": "lazy"}),
    ],
)
async def test_arguments_of_another_type_of_queue(broker, channel, type, argument):
    (name,), queue = argument, broker.name()
    arguments = {"x-queue-type": type, **argument}
    said = await refusal(channel.queue_declare(queue, durable=True, arguments=arguments))
    assert said == NOT_OF_TYPE.format(name=name, queue=queue, type=type)


@pytest.mark.parametrize(
    "argument",
    [{"x-consumer-timeout": 5}, {"x-delayed-retry-type": "all"}, {"x-delayed-retry-min": 5}],
)
async def test_arguments_that_came_with_4_3(broker, channel, argument, since_4_3):
    (name,), queue = argument, broker.name()
    said = await refusal(channel.queue_declare(queue, durable=True, arguments=argument))
    assert said == NOT_OF_TYPE.format(name=name, queue=queue, type="classic")


@pytest.mark.parametrize(
    ("options", "property"),
    [
        ({"durable": False}, "non-durable"),
        ({"exclusive": True}, "exclusive-owner"),
        ({"auto_delete": True}, "auto-delete"),
    ],
)
async def test_a_quorum_queue_that_is_not_there_to_stay(broker, channel, options, property):
    queue = broker.name()
    options = {"durable": True, **options}
    said = await refusal(
        channel.queue_declare(queue, arguments={"x-queue-type": "quorum"}, **options)
    )
    where = f"queue '{queue}' in vhost '/'"
    assert said == f"PRECONDITION_FAILED - invalid property '{property}' for {where}"


async def test_a_quorum_queue_that_has_no_name(channel):
    said = await refusal(
        channel.queue_declare("", durable=True, arguments={"x-queue-type": "quorum"})
    )
    assert said == (
        "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue"
    )


@pytest.mark.parametrize("flag", ["if-empty", "if-unused"])
async def test_a_quorum_queue_that_is_deleted_on_a_condition(broker, channel, flag):
    queue = await broker.queue(channel, queue_type="quorum")
    await refusal(channel.queue_delete(queue, **{flag.replace("-", "_"): True}))
    assert await end_of(channel.connection) == (
        f"NOT_IMPLEMENTED - cannot delete queue '{queue}' in vhost '/'. queue.delete operations "
        f"with {flag} flag set are not supported by quorum queues"
    )


@pytest.mark.parametrize("type", ["classic", "quorum"])
async def test_a_priority_of_a_consumer_that_cannot_be(broker, channel, type):
    queue = await broker.queue(channel, queue_type=type)
    said = await refusal(channel.basic_consume(queue, print, arguments={"x-priority": "high"}))
    assert said == (
        f"PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{queue}' in vhost '/': "
        '"expected integer, got longstr"'
    )


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
        lambda other: other.queue_declare(queue, durable=True, exclusive=True),
        lambda other: other.queue_delete(queue),
        lambda other: other.basic_consume(queue, print),
        lambda other: other.basic_get(queue),
        lambda other: other.queue_bind(queue, "amq.direct"),
    ):
        said = await refusal(call(await broker.channel()))
        assert said == EXCLUSIVE.format(queue=queue)


async def test_a_queue_that_becomes_exclusive(broker, channel):
    queue = await broker.queue(channel)
    said = await refusal(channel.queue_declare(queue, durable=True, exclusive=True))
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
            lambda one: one.basic_publish(b"x", exchange="amq.direct", immediate=True),
            "NOT_IMPLEMENTED - immediate=true",
        ),
    ],
)
async def test_what_ends_the_connection(channel, call, reason):
    with pytest.raises((AMQPError, asyncio.CancelledError)):
        await call(channel)
    assert await end_of(channel.connection) == reason


async def test_an_exchange_of_an_unknown_type_which_ended_the_connection_before_4(broker, channel):
    with pytest.raises((AMQPError, asyncio.CancelledError)):
        await channel.exchange_declare("x", exchange_type="strange")
    if broker.version >= (4,):
        assert await end_of(channel) == "PRECONDITION_FAILED - unknown exchange type 'strange'"
        assert channel.connection.is_opened
    else:
        said = await end_of(channel.connection)
        assert said == "COMMAND_INVALID - unknown exchange type 'strange'"


async def test_a_body_of_more_than_16_mib(channel, since_4):
    await channel.basic_publish(b"x" * MAX_SIZE, routing_key="nowhere")
    said = await refusal(channel.basic_publish(b"x" * (MAX_SIZE + 1), routing_key="nowhere"))
    assert said == (
        "PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216"
    )


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
