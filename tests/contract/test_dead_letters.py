"""Messages that are too old, too many or rejected."""

from datetime import datetime

import pytest
from aiormq import spec
from aiormq.exceptions import DeliveryError

from tests.contract.client import Arrivals, bodies_in, depth, get, publish, take


@pytest.fixture
async def dead(broker, channel):
    """The queue that dead letters come to."""
    return await broker.queue(channel)


async def deadly(broker, channel, dead, **options):
    """The name of a queue whose dead letters go to another."""
    return await broker.queue(
        channel, dead_letter_exchange="", dead_letter_routing_key=dead, **options
    )


async def next_of(channel, queue):
    arrivals = await Arrivals.of(channel, queue)
    found = await arrivals.next()
    await channel.basic_cancel(arrivals.tag)
    return found


def deaths_of(message):
    return [
        {key: value for key, value in death.items() if key != "time"}
        for death in message.header.properties.headers["x-death"]
    ]


async def test_a_rejected_message_is_dead_lettered_with_its_story(broker, channel, dead):
    queue = await deadly(broker, channel, dead)
    await publish(channel, queue, b"x", headers={"own": 1}, message_id="m")
    await channel.basic_reject((await channel.basic_get(queue)).delivery_tag, requeue=False)
    letter = await next_of(channel, dead)
    assert (letter.body, letter.delivery.exchange, letter.delivery.routing_key) == (b"x", "", dead)
    assert letter.header.properties.message_id == "m"
    headers = dict(letter.header.properties.headers)
    (death,) = headers.pop("x-death")
    assert isinstance(death.pop("time"), datetime)
    assert death == {
        "count": 1,
        "reason": "rejected",
        "queue": queue,
        "exchange": "",
        "routing-keys": [queue],
    }
    assert headers == {
        "own": 1,
        "x-first-death-exchange": "",
        "x-first-death-queue": queue,
        "x-first-death-reason": "rejected",
        **(
            {
                "x-last-death-exchange": "",
                "x-last-death-queue": queue,
                "x-last-death-reason": "rejected",
            }
            if broker.version >= (4,)
            else {}
        ),
    }


@pytest.mark.parametrize("type", ["classic", "quorum"])
@pytest.mark.parametrize("how", ["reject", "nack"])
async def test_a_dead_letter_is_since_4_3_marked_as_delivered_before_if_it_was_rejected(
    broker, channel, dead, type, how
):
    queue = await deadly(broker, channel, dead, queue_type=type)
    await publish(channel, queue, b"x")
    tag = (await take(channel, queue)).delivery_tag
    await getattr(channel, f"basic_{how}")(tag, requeue=False)
    letter = await take(channel, dead)
    assert letter.delivery.redelivered is (how == "reject" and broker.version >= (4, 3))


@pytest.mark.parametrize("type", ["classic", "quorum"])
async def test_a_classic_queue_does_not_mark_so_what_it_hands_on_at_once(broker, channel, type):
    dead = await broker.queue(channel, queue_type=type)
    queue = await deadly(broker, channel, dead)
    arrivals = await Arrivals.of(channel, dead)
    await publish(channel, queue, b"x")
    await channel.basic_reject((await take(channel, queue)).delivery_tag, requeue=False)
    marked = (await arrivals.next()).delivery.redelivered
    assert marked is (type == "quorum" and broker.version >= (4, 3))


async def test_a_dead_letter_keeps_its_routing_key_unless_another_is_given(broker, channel):
    exchange = await broker.exchange(channel, "topic")
    dead = await broker.queue(channel)
    await channel.queue_bind(dead, exchange, routing_key="#")
    queue = await broker.queue(channel, dead_letter_exchange=exchange)
    await publish(channel, queue, b"x")
    await channel.basic_nack((await channel.basic_get(queue)).delivery_tag, requeue=False)
    letter = await next_of(channel, dead)
    assert (letter.delivery.exchange, letter.delivery.routing_key) == (exchange, queue)


async def test_a_dead_letter_without_an_exchange_or_a_queue_is_dropped(broker, channel):
    for options in (
        {"dead_letter_exchange": broker.name()},
        {"dead_letter_exchange": "", "dead_letter_routing_key": broker.name()},
    ):
        queue = await broker.queue(channel, **options)
        await publish(channel, queue, b"x")
        await channel.basic_reject((await channel.basic_get(queue)).delivery_tag, requeue=False)
        assert await depth(channel, queue) == 0


async def test_messages_of_a_queue_grow_too_old(broker, channel, dead):
    queue = await deadly(broker, channel, dead, message_ttl=30)
    await publish(channel, queue, b"1", b"2")
    arrivals = await Arrivals.of(channel, dead)
    first = await arrivals.next()
    assert [first.body, (await arrivals.next()).body] == [b"1", b"2"]
    assert [death["reason"] for death in deaths_of(first)] == ["expired"]
    assert await depth(channel, queue) == 0


async def test_a_message_grows_too_old_by_itself(broker, channel, dead):
    queue = await deadly(broker, channel, dead, message_ttl=600_000)
    await publish(channel, queue, b"x", expiration="30")
    letter = await next_of(channel, dead)
    (death,) = deaths_of(letter)
    assert death["original-expiration"] == "30"
    assert letter.header.properties.expiration is None


async def test_only_the_first_message_is_looked_at(broker, channel, dead):
    queue = await deadly(broker, channel, dead)
    other = await deadly(broker, channel, dead)
    await publish(channel, queue, b"no limit")
    await publish(channel, queue, b"short", expiration="1")
    await publish(channel, other, b"tick", expiration="60")
    assert (await next_of(channel, dead)).body == b"tick"
    assert await depth(channel, queue) == 2
    assert await get(channel, queue) == b"no limit"
    assert (await next_of(channel, dead)).body == b"short"


async def test_what_may_not_wait_is_delivered_at_once_or_never(broker, channel, dead):
    queue = await deadly(broker, channel, dead, message_ttl=0)
    await publish(channel, queue, b"nobody there")
    assert (await next_of(channel, dead)).body == b"nobody there"
    arrivals = await Arrivals.of(channel, queue)
    await publish(channel, queue, b"somebody there")
    assert (await arrivals.next()).body == b"somebody there"


async def test_a_message_that_is_put_back_too_late_is_dead_lettered(broker, channel, dead):
    queue = await deadly(broker, channel, dead, message_ttl=500)
    other = await deadly(broker, channel, dead, message_ttl=1000)
    await publish(channel, queue, b"x")
    found = await channel.basic_get(queue)
    await publish(channel, other, b"tick")
    assert (await next_of(channel, dead)).body == b"tick"
    await channel.basic_reject(found.delivery_tag, requeue=True)
    await channel.basic_ack(found.delivery_tag + 1)
    arrivals = await Arrivals.of(channel, dead)
    assert (await arrivals.next()).body == b"x"


async def test_a_full_queue_drops_its_first_messages(broker, channel, dead):
    queue = await deadly(broker, channel, dead, max_length=2)
    await publish(channel, queue, b"1", b"2", b"3", b"4")
    assert await bodies_in(channel, queue) == [b"3", b"4"]
    arrivals = await Arrivals.of(channel, dead)
    first = await arrivals.next()
    assert [first.body, (await arrivals.next()).body] == [b"1", b"2"]
    assert [death["reason"] for death in deaths_of(first)] == ["maxlen"]


async def test_a_full_queue_may_be_one_of_many_bytes(broker, channel):
    queue = await broker.queue(channel, max_length_bytes=10)
    await publish(channel, queue, b"12345", b"12345", b"1")
    assert await bodies_in(channel, queue) == [b"12345", b"1"]


async def test_a_full_queue_may_refuse(broker, channel, dead):
    for overflow, letters in (("reject-publish", []), ("reject-publish-dlx", [b"3"])):
        queue = await deadly(broker, channel, dead, max_length=2, overflow=overflow)
        for body, taken in ((b"1", True), (b"2", True), (b"3", False)):
            if taken:
                await publish(channel, queue, body)
            else:
                with pytest.raises(DeliveryError):
                    await publish(channel, queue, body)
        assert await bodies_in(channel, queue) == [b"1", b"2"]
        if letters:
            assert (await next_of(channel, dead)).body == b"3"


async def test_counts_what_happens_again(broker, channel):
    """The way of a retry: rejected, waiting, back again."""
    work = await broker.queue(channel)
    waiting = await deadly(broker, channel, work, message_ttl=10)
    await channel.queue_delete(work)
    await channel.queue_declare(
        work,
        durable=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": waiting},
    )
    await publish(channel, work, b"x")
    await channel.basic_qos(prefetch_count=1)
    arrivals = await Arrivals.of(channel, work)
    for _ in range(3):
        await channel.basic_reject((await arrivals.next()).delivery_tag, requeue=False)
    last = await arrivals.next()
    assert [(death["queue"], death["reason"], death["count"]) for death in deaths_of(last)] == [
        (waiting, "expired", 3),
        (work, "rejected", 3),
    ]
    first = last.header.properties.headers["x-first-death-reason"]
    assert first == "rejected"


async def test_drops_what_goes_in_a_circle_by_itself(broker, channel):
    queue = broker.name()
    broker.declared.append(("queue", queue))
    await channel.queue_declare(
        queue,
        durable=True,
        arguments={
            "x-message-ttl": 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
        },
    )
    dead = await broker.queue(channel)
    other = await deadly(broker, channel, dead, message_ttl=60)
    await publish(channel, queue, b"x")
    await publish(channel, other, b"tick")
    assert isinstance((await next_of(channel, dead)).delivery, spec.Basic.Deliver)
    assert await depth(channel, queue) == 0
