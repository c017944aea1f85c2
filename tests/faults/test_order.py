"""Order by key."""

import os
import signal
from collections import defaultdict
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from tests.faults.queues import Queues

PREFETCH = 200
"""That of the `ordering` worker."""
COUNT = int(os.environ.get("COUNT", "5000"))
KEYS = 1000
CUTS = 5
KILLS = 3
ORDERED = {"QUEUES": "ordered", "KEYS": str(KEYS)}


def of_keys(notes):
    """Return notes by the key of their message."""
    found = defaultdict(list)
    for note in notes:
        found[int(note["id"]) % KEYS].append(note)
    return found.values()


def overtaken_on_a_channel(notes):
    """Return what was handled behind a message of its key that was delivered later."""
    return [
        after["id"]
        for of_key in of_keys(notes)
        for before, after in pairwise(of_key)
        if (before["by"], before["channel"]) == (after["by"], after["channel"])
        and before["tag"] > after["tag"]
    ]


def overtaken(notes):
    """Return what was handled for the first time behind a message of its key published later."""
    late = []
    for of_key in of_keys(notes):
        firsts = list(dict.fromkeys(int(note["id"]) for note in of_key))
        late += [after for before, after in pairwise(firsts) if before > after]
    return late


@pytest.fixture
async def elsewhere(private_node, drill):
    """A queue that no drill accounts for by getting what is left: some cannot be asked so."""
    queues = Queues(private_node.url, drill.ledger)
    yield queues
    await queues.clean()


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_cut_and_killed(drill, queues, worker, proxy, kind):
    """Connections cut, workers killed, one after the other: each key in order of delivery."""
    await queues.declare("ordered", x_queue_type=kind)
    ids = await queues.publish("ordered", range(COUNT))
    step = COUNT // (CUTS + KILLS + 1)
    reached = 0
    for _ in range(KILLS):
        async with worker("ordering", proxy.port, **ORDERED) as process:
            reached += step
            await process.noted("handled", reached)
            process.send(signal.SIGKILL)
            await process.end()
    async with worker("ordering", proxy.port, **ORDERED) as process:
        for _ in range(CUTS):
            reached += step
            await process.noted("handled", reached)
            proxy.cut()
        await process.handled(ids)
        assert overtaken_on_a_channel(process.notes("handled")) == []
        process.account(drill.ledger)
    await queues.account()
    drill.check(duplicates=PREFETCH * (CUTS + KILLS))


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_replicas_killed(drill, elsewhere, worker, kind):
    """Four replicas with a single active consumer, three killed at work: each key in order."""
    await elsewhere.declare("ordered", x_queue_type=kind, x_single_active_consumer=True)
    ids = await elsewhere.publish("ordered", range(COUNT))
    # Whoever is killed goes on for a moment: enough is left for each.
    step = COUNT // (2 * (KILLS + 1))
    async with AsyncExitStack() as stack:
        replicas = {}
        for _ in range(KILLS + 1):
            replica = await stack.enter_async_context(worker("ordering", **ORDERED))
            replicas[replica.pid] = replica
        first = next(iter(replicas.values()))
        for _ in range(KILLS):
            await first.noted("handled", len(first.notes("handled")) + step)
            # Whoever is at work now.
            active = replicas[first.notes("handled")[-1]["by"]]
            active.send(signal.SIGKILL)
            await active.end()
        await first.handled(ids)
        notes = first.notes("handled")
        assert overtaken(notes) == []
        assert len({note["by"] for note in notes}) == KILLS + 1
        first.account(drill.ledger)
    await elsewhere.settle("ordered", count=0)
    await elsewhere.hold("ordered", 0)
    await elsewhere.hold("ordered.dead", 0)
    drill.check(duplicates=PREFETCH * KILLS)
