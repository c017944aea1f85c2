"""Messages that come back again and again."""

import signal

import pytest

from tests.faults.proxy import Proxy

TIMES = 26
"""More often than a quorum queue lets a message come back since RabbitMQ 4.0."""
COUNT = 50
PREFETCH = 128
"""That of the `crashing` worker."""


@pytest.fixture
async def quorum(queues):
    """A queue as users declare one: without a limit."""
    await queues.declare("quorum", x_queue_type="quorum")
    return "quorum"


async def count_the_rest(drill, queues, worker, names, ids):
    """Have a worker handle all that came back so often; none of it may be dead-lettered."""
    drill.broken()
    async with worker("counting", QUEUES=names) as process:
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    assert not drill.ledger.dead_lettered


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_worker_restarted_again_and_again(drill, case, queues, worker, quorum, number):
    """A worker that handles nothing, ended 26 times, over a quorum queue."""
    ids = await queues.publish(quorum, range(COUNT))
    for _ in range(TIMES):
        async with worker("hoarding", QUEUES=quorum) as process:
            await process.logged("consuming")
            await queues.hold(quorum, 0)
            process.send(number)
            await process.end()
    await count_the_rest(drill, queues, worker, quorum, ids)
    # Whenever a connection is lost between a copy and the acknowledgement of its original.
    drill.check(within=15, duplicates=TIMES * COUNT)


@pytest.mark.long
async def test_crash_loop(drill, queues, worker, quorum):
    """A message that ends its worker's process at once, 26 times, amid others in a quorum queue."""
    ids = await queues.publish(quorum, range(COUNT)) | await queues.publish(
        quorum, {"fatal": b'"fatal"'}
    )
    for _ in range(TIMES):
        async with worker("crashing", QUEUES=quorum) as process:
            await process.end()
    await count_the_rest(drill, queues, worker, quorum, ids)
    # A message that is with a worker as it crashes is handled again; so is a copy of it.
    drill.check(within=15, duplicates=TIMES * PREFETCH)


@pytest.mark.long
async def test_crash_loop_beside(drill, queues, worker, quorum):
    """A message of another queue ends the process at once, 26 times, over a quorum queue."""
    ids = await queues.publish(quorum, range(COUNT))
    await queues.publish("drill", {"fatal": b'"fatal"'})
    for _ in range(TIMES):
        async with worker("crashing", QUEUES="drill", BESIDE=quorum) as process:
            await process.end()
    await count_the_rest(drill, queues, worker, f"{quorum},drill", ids | {"fatal"})
    drill.check(within=15, duplicates=TIMES * COUNT)


# Between two of the losses the worker may pause for three seconds.
@pytest.mark.timeout(600)
@pytest.mark.long
async def test_connections_closed_again_and_again(drill, queues, worker, quorum, private_node):
    """Connections lost 26 times while a worker handles nothing, over a quorum queue."""
    ids = await queues.publish(quorum, range(COUNT))
    async with (
        Proxy.to(private_node.port) as proxy,
        worker("hoarding", port=proxy.port, QUEUES=quorum) as process,
    ):
        for time in range(TIMES):
            await process.logged("consuming", time + 1)
            await queues.hold(quorum, 0)
            proxy.cut()
    await count_the_rest(drill, queues, worker, quorum, ids)
    # Whenever a connection is lost between a copy and the acknowledgement of its original.
    drill.check(within=15, duplicates=TIMES * COUNT)
