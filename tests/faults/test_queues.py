"""Queues, permissions and publishing."""

import json
import signal

import pytest

from scripts.rabbitmq.probe import version_of
from tests.faults.waiting import until

BULKY = 100_000_000
"""Bytes in a body."""
MANY = 300
"""Queues of a route."""
PREFETCH = 50
"""That of the `counting` worker."""
WAITING_PREFETCH = 10
"""That of the `waiting` worker."""
CONSUMER_TIMEOUT = (
    "application:set_env(rabbit, consumer_timeout, {}),"
    "application:set_env(rabbit, channel_tick_interval, {})."
)
"""Sets how long a delivery may stay unsettled, and how often that is looked at, in milliseconds,
for channels that are opened from now on."""

MAX_MESSAGE_SIZE = (
    "application:set_env(rabbit, max_message_size, {0}),persistent_term:put(max_message_size, {0})."
)
"""Sets how many bytes a body may have, for channels that are opened from now on."""


@pytest.fixture
async def large_bodies(ctl):
    """Have the broker take bodies of 128 MiB, which RabbitMQ 4 does not unless told to."""
    before = await ctl("eval", "element(2, application:get_env(rabbit, max_message_size)).")
    await ctl("eval", MAX_MESSAGE_SIZE.format(128 * 2**20))
    yield
    await ctl("eval", MAX_MESSAGE_SIZE.format(before.strip()))


async def test_queue_missing(drill, queues, worker):
    """Queue missing at boot, created later."""
    async with worker("counting", QUEUES="drill,later") as process:
        await process.logged("queue 'later', vhost '/': the queue does not exist: create it")
        await process.handled(await queues.publish("drill", range(100)))
        assert not await queues.exists("later")
        await queues.declare("later")
        drill.broken()
        await process.logged("queue 'later', vhost '/': consuming")
        drill.recovered()
        await process.handled(await queues.publish("later", range(100, 200)))
        process.account(drill.ledger)
        assert len(process.entries("does not exist")) == 1
    await queues.account()
    drill.check(within=5)


async def test_queue_deleted(drill, queues, worker):
    """Queue deleted while it is consumed, and created again."""
    await queues.declare("deleted")
    async with worker("counting", QUEUES="drill,deleted") as process:
        await process.handled(await queues.publish("deleted", range(100)))
        await queues.delete("deleted")
        await process.logged("queue 'deleted', vhost '/': the queue does not exist")
        await process.handled(await queues.publish("drill", range(100, 200)))
        await queues.declare("deleted")
        drill.broken()
        await process.logged("queue 'deleted', vhost '/': consuming", 2)
        drill.recovered()
        await process.handled(await queues.publish("deleted", range(200, 300)))
        process.account(drill.ledger)
        assert len(process.entries("queue 'drill', vhost '/': consuming")) == 1
    await queues.account()
    drill.check(within=5)


async def test_permission_withdrawn(drill, queues, worker, proxy, user, ctl, private_node):
    """Permission withdrawn, and given back."""
    # Since RabbitMQ 4.3 who has no right to a queue is not told that it is there.
    told = (
        "not consumed: ACCESS_REFUSED"
        if version_of(private_node.url) < (4, 3)
        else "ACCESS_REFUSED - configure access to queue 'drill' in vhost '/' refused for user "
        "'drill': it needs read access; waiting"
    )
    await queues.declare("other")
    url = f"amqp://{user}:{user}@127.0.0.1:{proxy.port}/"
    async with worker("counting", URL=url, QUEUES="drill,other") as process:
        await process.handled(await queues.publish("drill", range(100)))
        try:
            await ctl("set_permissions", user, "", "", "other")
            # Who consumes already may go on to: it is the next channel that is refused.
            proxy.cut()
            await process.logged(f"queue 'drill', vhost '/': {told}")
            ids = await queues.publish("drill", range(100, 200))
            await process.handled(await queues.publish("other", range(200, 300)))
        finally:
            await ctl("set_permissions", user, ".*", ".*", ".*")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=5, duplicates=PREFETCH)


@pytest.mark.long
async def test_many_queues_under_latency(drill, queues, worker, proxy):
    """A route with 300 queues and 20 ms round trip: started, and drained amid handlers."""
    names = [f"drill-{number}" for number in range(MANY)]
    for name in names:
        await queues.declare(name)
    proxy.delay = 0.01
    async with worker(
        "counting", port=proxy.port, QUEUES=",".join(names), BULK_SIZE="1", PAUSE="3"
    ) as process:
        await process.logged("connected to")
        drill.broken()
        await process.logged("consuming", MANY)
        drill.recovered()
        for number in range(5):
            await queues.publish(names[number * MANY // 5], [number])
        await process.noted("started", 5)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=5)


async def test_memory_alarm(drill, queues, worker, ctl):
    """Memory alarm: consumers go on; put() says that the outcome is unknown, and works after."""
    await queues.declare("out")
    await queues.publish("drill", range(2000))
    async with worker("publishing", TO="out", TIMEOUT="1", PAUSE="0.1") as process:
        await process.noted("confirmed")
        try:
            await ctl("set_vm_memory_high_watermark", "0.0001")
            await process.noted("failed")
            await process.noted("handled", len(process.notes("handled")) + 20)
        finally:
            await ctl("set_vm_memory_high_watermark", "0.4")
        drill.broken()
        await process.noted("confirmed", len(process.notes("confirmed")) + 1)
        drill.recovered()
        process.send(signal.SIGTERM)
        assert await process.end() == 0
        failure = process.notes("failed")[0]
        process.account(drill.ledger)
    assert failure["error"] == "PublishTimeout"
    assert "it is unknown whether the broker has the message" in failure["text"]
    assert failure["after"] < 1 + 1
    await queues.account()
    drill.check(within=5)


async def test_consumer_timeout(drill, queues, worker, ctl, broker_version):
    """A handler slower than the broker's consumer_timeout."""
    await ctl("eval", CONSUMER_TIMEOUT.format(3_000, 1_000))
    if broker_version >= (4, 3):
        # A classic queue has no such limit any more, and a quorum queue may have its own.
        await queues.delete("drill")
        await queues.declare("drill", x_queue_type="quorum", x_consumer_timeout=3_000)
    try:
        await queues.publish("drill", {"slow": b"1"})
        async with worker("waiting") as process:
            await process.logged("for a message to be settled, then it delivers it again")
            drill.broken()
            await process.logged("consuming", 2)
            drill.recovered()
            # These come after the slow one, which goes back to the head of the queue: when they
            # are handled, it has been delivered here again.
            await process.handled(await queues.publish("drill", range(20)))
            process.send(signal.SIGUSR1)
            await until(lambda: len(course(process, "slow")) == 4, "handled once more")
            await process.logged("ended after its channel was lost")
            assert course(process, "slow") == ["started", "handled"] * 2
            process.account(drill.ledger)
    finally:
        await ctl("eval", CONSUMER_TIMEOUT.format(1_800_000, 60_000))
    await queues.account()
    drill.check(within=5, duplicates=WAITING_PREFETCH)


async def test_publish_to_nowhere(drill, worker):
    """put() to a queue that does not exist raises Unroutable."""
    async with worker("publishing", TO="nowhere") as process:
        await process.noted("failed", 2)
        assert {note["error"] for note in process.notes("failed")} == {"Unroutable"}
        assert process.notes("confirmed") == []


async def test_publish_rejected(drill, queues, worker):
    """put() to a full queue raises PublishRejected, and works when there is room."""
    await queues.declare("full", x_max_length=2, x_overflow="reject-publish")
    async with worker("publishing", TO="full") as process:
        await process.noted("failed", 2)
        assert {note["error"] for note in process.notes("failed")} == {"PublishRejected"}
        await queues.account()
        drill.broken()
        await process.noted("confirmed", 4)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=2)


@pytest.mark.long
async def test_large_bodies_in(drill, large_bodies, queues, worker):
    """Bodies of 100 MB, consumed within 400 MB of memory."""
    body = json.dumps("x" * BULKY).encode()
    async with worker("counting", PREFETCH="1") as process:
        for number in range(5):
            await process.handled(await queues.publish("drill", {str(number): body}))
        process.account(drill.ledger)
        peak = process.peak_memory
    await queues.account()
    assert peak < 4 * BULKY
    drill.check()


@pytest.mark.long
async def test_large_bodies_out(drill, large_bodies, queues, worker):
    """Bodies of 100 MB, published within 600 MB of memory."""
    await queues.declare("out")
    async with worker("publishing", TO="out", SIZE=str(BULKY)) as process:
        await process.noted("confirmed", 5)
        process.send(signal.SIGTERM)
        peak = process.peak_memory
        assert await process.end() == 0
        process.account(drill.ledger)
    await queues.account()
    assert peak < 6 * BULKY
    drill.check()


def course(process, message_id):
    """Return what became of one message, in order."""
    notes = process.notes("started") + process.notes("handled")
    notes = [note for note in notes if note["id"] == message_id]
    return [note["event"] for note in sorted(notes, key=lambda note: note["at"])]
