"""Streams of RabbitMQ."""

import os
import signal

import pytest

from tests.faults.queues import Queues

pytestmark = pytest.mark.slow

PREFETCH = 200
"""That of the `streaming` worker."""
COUNT = int(os.environ.get("COUNT", "5000"))
RESTARTS = 20


def skipped(notes):
    """Return the offsets that were handled before the one in front of them."""
    late, highest = [], -1
    for note in notes:
        if note["offset"] > highest + 1:
            late.append(note["offset"])
        highest = max(highest, note["offset"])
    return late


@pytest.fixture
async def stream(private_node, drill):
    """A stream, of which nothing can be got at the end to account for it."""
    queues = Queues(private_node.url, drill.ledger)
    await queues.declare_stream("visits")
    yield queues
    await queues.delete("visits")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "place"


@pytest.mark.parametrize(
    "failing", [pytest.param(0, id="in bulk"), pytest.param(50, id="handlers fail")]
)
@pytest.mark.usefixtures("case")
async def test_stream_over_restarts(drill, stream, worker, proxy, place, failing):
    """Stream read over 20 restarts, killed, stopped and cut off: no offset is skipped."""
    ids = await stream.publish("visits", range(COUNT))
    given = {"QUEUES": "visits", "PLACE": str(place), "FAILING": str(failing)}
    # Each goes on for a moment before it ends: enough is left for all.
    step = COUNT // (RESTARTS * 3)
    for restart in range(RESTARTS):
        async with worker("streaming", proxy.port, **given) as process:
            handled = len(process.notes("handled"))
            await process.noted("handled", handled + step // 2)
            if restart % 4 == 1:
                proxy.cut()
            await process.noted("handled", handled + step)
            process.send(signal.SIGTERM if restart % 2 else signal.SIGKILL)
            await process.end()
    async with worker("streaming", proxy.port, **given) as process:
        await process.handled(ids)
        notes = process.notes("handled")
        if not failing:
            assert skipped(notes) == []
        process.account(drill.ledger)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    assert place.read_text() == f"{COUNT - 1}\n"
    drill.check(duplicates=PREFETCH * RESTARTS, marked=False)
