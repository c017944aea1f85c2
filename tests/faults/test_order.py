"""Order by key."""

import os
import signal
from collections import defaultdict
from contextlib import AsyncExitStack

import pytest

PREFETCH = 200
"""That of the `ordering` worker."""
COUNT = int(os.environ.get("COUNT", "5000"))
KEYS = 1000
CUTS = 5
KILLS = 3


ORDERED = {"QUEUES": "ordered", "KEYS": str(KEYS)}


def out_of_order(notes):
    """Return which messages were handled for the first time behind a later one of their key."""
    latest, seen, late = defaultdict(lambda: -1), set(), []
    for note in notes:
        number = int(note["id"])
        if number not in seen and number < latest[number % KEYS]:
            late.append(number)
        seen.add(number)
        latest[number % KEYS] = max(latest[number % KEYS], number)
    return late


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_cut_and_killed(drill, queues, worker, proxy, kind):
    """Connections cut and workers killed, one after the other: each key in order."""
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
        assert out_of_order(process.notes("handled")) == []
        process.account(drill.ledger)
    await queues.account()
    drill.check(duplicates=PREFETCH * (CUTS + KILLS))


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_replicas_killed(drill, queues, worker, kind):
    """Three replicas with a single active consumer, each killed at its work: each key in order."""
    await queues.declare("ordered", x_queue_type=kind, x_single_active_consumer=True)
    ids = await queues.publish("ordered", range(COUNT))
    step = COUNT // (KILLS + 1)
    async with AsyncExitStack() as stack:
        replicas = {}
        for _ in range(KILLS + 1):
            replica = await stack.enter_async_context(worker("ordering", **ORDERED))
            replicas[replica.pid] = replica
        first = next(iter(replicas.values()))
        for number in range(1, KILLS + 1):
            await first.noted("handled", step * number)
            # Whoever is at work now.
            active = replicas[first.notes("handled")[-1]["by"]]
            active.send(signal.SIGKILL)
            await active.end()
        await first.handled(ids)
        notes = first.notes("handled")
        assert out_of_order(notes) == []
        assert len({note["by"] for note in notes}) == KILLS + 1
        first.account(drill.ledger)
    await queues.account()
    drill.check(duplicates=PREFETCH * KILLS)
