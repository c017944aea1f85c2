"""Exchanges: which queues a message goes to."""

import pytest
from aiormq import spec
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from tests.contract.client import bodies_in, get


async def send(channel, exchange, routing_key="", headers=None):
    properties = spec.Basic.Properties(headers=headers)
    answer = await channel.basic_publish(
        b"x", exchange=exchange, routing_key=routing_key, properties=properties
    )
    assert isinstance(answer, spec.Basic.Ack)


async def routed(broker, channel, exchange, binding, **message):
    """Tell whether a queue with a binding gets a message."""
    queue = await broker.queue(channel)
    await channel.queue_bind(queue, exchange, **binding)
    await send(channel, exchange, **message)
    return await get(channel, queue) is not None


async def test_direct_goes_by_the_routing_key(broker, channel):
    exchange = await broker.exchange(channel, "direct")
    for key, arrives in (("a", True), ("b", False), ("a.b", False)):
        assert arrives is await routed(
            broker, channel, exchange, {"routing_key": "a"}, routing_key=key
        )


async def test_fanout_goes_everywhere_once(broker, channel):
    exchange = await broker.exchange(channel, "fanout")
    queues = [await broker.queue(channel) for _ in range(2)]
    for queue in queues:
        await channel.queue_bind(queue, exchange, routing_key="any")
        await channel.queue_bind(queue, exchange, routing_key="other")
    await send(channel, exchange, "key")
    for queue in queues:
        assert await bodies_in(channel, queue) == [b"x"]


@pytest.mark.parametrize(
    ("pattern", "key", "arrives"),
    [
        ("order.*", "order.new", True),
        ("order.*", "order", False),
        ("order.*", "order.new.big", False),
        ("order.#", "order", True),
        ("order.#", "order.new.big", True),
        ("#", "", True),
        ("#", "a.b", True),
        ("*", "", False),
        ("*", "a", True),
        ("*.*", "a.", True),
        ("", "", True),
        ("", "a", False),
        ("#.new", "order.new", True),
        ("#.new", "new", True),
        ("#.new.#", "a.new.b.c", True),
        ("*.new.#", "new", False),
        ("a.#.b.#.c", "a.x.b.y.z.c", True),
        ("a.#.b", "a.b.c", False),
        ("a.b", "a.b.", False),
        ("a*", "ab", False),
    ],
)
async def test_topic_goes_by_words(broker, channel, pattern, key, arrives):
    exchange = await broker.exchange(channel, "topic")
    binding = {"routing_key": pattern}
    assert arrives is await routed(broker, channel, exchange, binding, routing_key=key)


HASHING = {"hash-header": "customer"}


async def hashed(broker, channel, count, **options):
    """The name of an exchange, and of queues that divide what is published to it."""
    exchange = await broker.exchange(channel, "x-consistent-hash", **options)
    queues = [await broker.queue(channel) for _ in range(count)]
    for queue in queues:
        await channel.queue_bind(queue, exchange, routing_key="1")
    return exchange, queues


async def depths(channel, queues):
    return [len(await bodies_in(channel, queue)) for queue in queues]


async def test_consistent_hash_goes_by_a_header_to_one_of_them(broker, channel):
    exchange, queues = await hashed(broker, channel, 4, arguments=HASHING)
    found = []
    for number in range(60):
        headers = {"customer": f"c{number}"}
        for key in ("any", "other"):
            await send(channel, exchange, key, headers=headers)
        got = await depths(channel, queues)
        assert sorted(got) == [0, 0, 0, 2]
        found.append(got.index(2))
    assert set(found) == {0, 1, 2, 3}


async def test_consistent_hash_has_one_place_for_all_without_the_header(broker, channel):
    exchange, queues = await hashed(broker, channel, 4, arguments=HASHING)
    for headers in (None, {"other": 1}, {}):
        await send(channel, exchange, "any", headers=headers)
    assert sorted(await depths(channel, queues)) == [0, 0, 0, 3]


async def test_consistent_hash_goes_by_the_routing_key_unless_told_otherwise(broker, channel):
    exchange, queues = await hashed(broker, channel, 4)
    for key in ("a", "b", "c", "d", "e", "f", "g", "h"):
        for _ in range(2):
            await send(channel, exchange, key)
    got = await depths(channel, queues)
    assert sum(got) == 16
    assert all(number % 2 == 0 for number in got)
    assert max(got) < 16


async def test_consistent_hash_without_a_queue_has_no_place(broker, channel):
    exchange = await broker.exchange(channel, "x-consistent-hash", arguments=HASHING)
    answer = await channel.basic_publish(b"x", exchange=exchange, mandatory=False)
    assert isinstance(answer, spec.Basic.Ack)


@pytest.mark.parametrize("weight", ["", "one", "0"])
async def test_consistent_hash_wants_weights(broker, channel, weight):
    exchange = await broker.exchange(channel, "x-consistent-hash", arguments=HASHING)
    queue = await broker.queue(channel)
    with pytest.raises(ChannelPreconditionFailed):
        await channel.queue_bind(queue, exchange, routing_key=weight)


async def test_consistent_hash_keeps_the_header_that_it_has(broker, channel):
    exchange, queues = await hashed(broker, channel, 4, arguments=HASHING)
    await channel.exchange_declare(
        exchange, exchange_type="x-consistent-hash", arguments={"hash-header": "other"}
    )
    for number in range(20):
        headers = {"customer": "ann", "other": number}
        await send(channel, exchange, headers=headers)
    assert sorted(await depths(channel, queues)) == [0, 0, 0, 20]


@pytest.mark.parametrize(
    ("arguments", "headers", "arrives"),
    [
        ({"a": 1, "b": "x"}, {"a": 1, "b": "x", "c": 0}, True),
        ({"a": 1, "b": "x"}, {"a": 1}, False),
        ({"x-match": "all", "a": 1}, {"a": 2}, False),
        ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
        ({"x-match": "any", "a": 1}, {"a": 2}, False),
        ({"x-match": "any"}, {"a": 2}, False),
        ({"x-match": "all"}, {"a": 2}, True),
        ({}, None, True),
        ({"a": None}, {"a": 5}, True),
        ({"a": None}, {"b": 5}, False),
        ({"x-match": "all", "x-own": 1, "a": 1}, {"a": 1}, True),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": True}, {"a": True}, True),
        ({"a": 1}, {"a": 300}, False),
    ],
)
async def test_headers_goes_by_headers(broker, channel, arguments, headers, arrives):
    exchange = await broker.exchange(channel, "headers")
    binding = {"arguments": arguments}
    assert arrives is await routed(broker, channel, exchange, binding, headers=headers)


async def test_default_goes_to_the_queue_of_that_name(broker, channel):
    first, second = [await broker.queue(channel) for _ in range(2)]
    await send(channel, "", first)
    assert await get(channel, first) == b"x"
    assert await get(channel, second) is None


@pytest.mark.parametrize(
    "name", ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"]
)
async def test_standard_exchanges_are_there(channel, name):
    assert isinstance(await channel.exchange_declare(name, passive=True), spec.Exchange.DeclareOk)


async def test_exchanges_are_bound_to_exchanges(broker, channel):
    source = await broker.exchange(channel, "topic")
    target = await broker.exchange(channel, "fanout")
    queue = await broker.queue(channel)
    await channel.exchange_bind(target, source, routing_key="a.*")
    await channel.exchange_bind(source, target)  # in a circle
    await channel.queue_bind(queue, target)
    await send(channel, source, "a.b")
    await send(channel, source, "b.b")
    assert await bodies_in(channel, queue) == [b"x"]
    await channel.exchange_unbind(target, source, routing_key="a.*")
    await send(channel, source, "a.b")
    assert await bodies_in(channel, queue) == []


async def test_an_alternate_exchange_takes_what_has_no_route(broker, channel):
    alternate = await broker.exchange(channel, "fanout")
    exchange = await broker.exchange(channel, "direct", arguments={"alternate-exchange": alternate})
    queue, rest = [await broker.queue(channel) for _ in range(2)]
    await channel.queue_bind(queue, exchange, routing_key="known")
    await channel.queue_bind(rest, alternate)
    await send(channel, exchange, "known")
    assert await bodies_in(channel, rest) == []
    await send(channel, exchange, "unknown")
    assert await bodies_in(channel, rest) == [b"x"]


async def test_a_binding_is_there_once_and_gone_once(broker, channel):
    exchange = await broker.exchange(channel, "direct")
    queue = await broker.queue(channel)
    for _ in range(2):
        await channel.queue_bind(queue, exchange, routing_key="a")
    await send(channel, exchange, "a")
    assert await bodies_in(channel, queue) == [b"x"]
    for _ in range(2):
        await channel.queue_unbind(queue, exchange, routing_key="a")
    await send(channel, exchange, "a")
    assert await bodies_in(channel, queue) == []


async def test_bindings_end_with_their_queue(broker, channel):
    exchange = await broker.exchange(channel, "fanout")
    queue = await broker.queue(channel)
    await channel.queue_bind(queue, exchange)
    await channel.queue_delete(queue)
    await channel.queue_declare(queue, durable=True)
    await send(channel, exchange)
    assert await bodies_in(channel, queue) == []


async def test_an_auto_delete_exchange_ends_with_its_last_binding(broker, channel):
    exchange = await broker.exchange(channel, "fanout", auto_delete=True)
    queue = await broker.queue(channel)
    await channel.queue_bind(queue, exchange)
    await channel.queue_delete(queue)
    with pytest.raises(ChannelNotFoundEntity):
        await channel.exchange_declare(exchange, passive=True)


async def test_deleting_an_exchange_twice_does_no_harm(broker, channel):
    exchange = await broker.exchange(channel, "fanout")
    for _ in range(2):
        await channel.exchange_delete(exchange)
    with pytest.raises(ChannelNotFoundEntity) as raised:
        await channel.exchange_declare(exchange, passive=True)
    assert raised.value.args[0] == f"NOT_FOUND - no exchange '{exchange}' in vhost '/'"
