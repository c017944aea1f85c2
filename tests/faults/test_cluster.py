"""A cluster of three nodes."""

import asyncio
import itertools
import re
from contextlib import suppress

import pytest
from aio_pika.exceptions import AMQPError

from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import PublishError
from scripts.rabbitmq.cluster import cluster
from scripts.rabbitmq.node import find_server
from tests.faults.queues import Queues
from tests.faults.waiting import INTERVAL, LIMIT

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

PREFETCH = 50
"""That of the `counting` worker."""
HEARTBEAT = 1
PATIENCE = 5
"""Seconds in which a message is confirmed, or published anew."""
LATER = 10
"""The batch that is published after the fault."""
NAMES = ("one", "two", "three")
CONFIG = "net_ticktime = 10\ncluster_partition_handling = pause_minority\n"
"""Nodes miss one that is silent after 10 seconds, rather than 60; who comes back finds its way."""
WORKERS, LEADER, OTHER = NAMES
"""The node that the worker is connected to, that of the leader of the queue, and one more."""


@pytest.fixture(scope="module")
def nodes():
    """The nodes by name. None of them is that of other drills."""
    if find_server() is None:
        pytest.skip("a cluster needs a rabbitmq-server that is installed")
    with cluster(*NAMES, config=CONFIG) as nodes:
        yield dict(zip(NAMES, nodes, strict=True))


@pytest.fixture(scope="module")
def private_node(nodes):
    return nodes[OTHER]


@pytest.fixture
async def queues(nodes, drill):
    """The cluster from outside. The queue `drill` has a replica on each node."""
    # Its leader is where it is first declared.
    await declared(Queues(nodes[LEADER].url, drill.ledger))
    queues = Queues(nodes[OTHER].url, drill.ledger)
    await declared(queues)
    yield queues
    for node in nodes.values():
        await asyncio.to_thread(node.start)
    await queues.clean()


async def declared(queues):
    """Declare the queue as soon as the cluster can: a node may have come back a moment ago."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return await queues.declare("drill", x_queue_type="quorum")
            except AMQPError:
                await asyncio.sleep(INTERVAL)


@pytest.fixture
def url(nodes):
    """The three hosts, as a worker is given them: it takes the first that answers."""
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes.values())
    return f"amqp://guest:guest@{hosts}/?heartbeat={HEARTBEAT}"


async def leader_of(queue, node):
    """Return the name of the node that leads a queue."""
    listed = await asyncio.to_thread(node.ctl, "list_queues", "name", "leader")
    return re.search(rf"^{queue}\t(\w+)@", listed, re.MULTILINE)[1]


async def publish(node, ledger, batch):
    """Publish a hundred messages, and new ones until all of a try are confirmed; return their ids.

    A node may hold on for ever to what it sent to a leader that is gone: each try has a connection
    of its own. What was not confirmed may be there or not.
    """
    ids = set()
    for first in itertools.count(100 * batch, 100):
        if ids and ids <= ledger.confirmed:
            break
        ids = {str(number) for number in range(first, first + 100)}
        ledger.attempted |= ids
        async with AMQPConnection(url=node.url) as connection, asyncio.TaskGroup() as group:
            for message_id in ids:
                group.create_task(put(connection, message_id, ledger))
    return ids


async def put(connection, message_id, ledger):
    """Publish a message; what is not confirmed is not counted as such."""
    same = {"message_id": message_id}
    with suppress(PublishError):
        await connection.put(int(message_id), "drill", properties=same, timeout=PATIENCE)
        ledger.confirmed.add(message_id)


@pytest.mark.parametrize("victim", [WORKERS, LEADER], ids=["the worker's", "the queue's leader"])
async def test_node_killed(drill, case, queues, worker, nodes, url, victim):
    """A node killed with -9."""
    await queues.publish("drill", range(500))
    assert await leader_of("drill", nodes[OTHER]) == LEADER
    async with worker("counting", URL=url, PAUSE="0.1") as process:
        await process.noted("handled", 100)
        await asyncio.to_thread(nodes[victim].kill)
        drill.broken()
        await process.handled(await publish(nodes[OTHER], drill.ledger, LATER))
        drill.recovered()
        # Since RabbitMQ 4.3 a queue waits a minute for a node that is gone, before it sends again
        # what a consumer there had (consumer_disconnected_timeout).
        await asyncio.to_thread(nodes[victim].start)
        await process.handled(drill.ledger.confirmed)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=30, duplicates=PREFETCH)


@pytest.mark.parametrize("victim", [WORKERS, LEADER], ids=["the worker's", "the queue's leader"])
async def test_node_frozen(drill, case, queues, worker, nodes, url, victim):
    """A node frozen: it answers nothing, and its connections stay open."""
    await queues.publish("drill", range(500))
    async with worker("counting", URL=url, PAUSE="0.1") as process:
        await process.noted("handled", 100)
        nodes[victim].pause()
        drill.broken()
        await process.handled(await publish(nodes[OTHER], drill.ledger, LATER))
        drill.recovered()
        # Resumed, it would take some time to find out that the others went on without it.
        await asyncio.to_thread(nodes[victim].kill)
        await asyncio.to_thread(nodes[victim].start)
        await process.handled(drill.ledger.confirmed)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=60, duplicates=PREFETCH)


async def test_rolling_restart(drill, queues, worker, nodes, url):
    """All nodes restarted, one after the other."""
    await queues.publish("drill", range(500))
    async with worker("counting", URL=url, PAUSE="0.1") as process:
        await process.noted("handled", 100)
        for batch, node in zip((LATER, 20, 30), nodes.values(), strict=True):
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(node.start)
            await publish(node, drill.ledger, batch)
        drill.broken()
        await process.handled(drill.ledger.confirmed)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=30, duplicates=PREFETCH * len(nodes))
