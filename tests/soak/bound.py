"""How many duplicates the faults of a soak allow."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.soak.schedule import WORKERS, Kind

QUEUES = 7
QUORUM = 4
"""How many of them are quorum queues."""
PREFETCH = 10
BULK = 5
"""The most events in a batch."""
HANDED_ON = 32
"""The most messages of a quorum queue that are on their way to where they are dead-lettered
(rabbit_fifo_dlx_worker, dead_letter_worker_consumer_prefetch)."""

PUBLISHING = (1 + QUORUM) * PREFETCH
"""A worker's connection that publishes is lost, or its confirms come too late: what was on its way
is published again. That is what is forwarded, and what a quorum queue gets back: to be retried, or
because it came back so often that the queue would drop it."""
LOSS = QUEUES * PREFETCH + PUBLISHING
"""A worker's connections are lost: the broker sends all again that is unsettled, and what was
handled, forwarded or retried comes a second time."""
EVERYBODY = len(WORKERS) * LOSS

ALLOWED = {
    # Besides these it forgets acknowledgements, which are counted at that moment.
    Kind.BROKER_KILLED: EVERYBODY + HANDED_ON,
    Kind.BROKER_FROZEN: EVERYBODY,
    Kind.BROKER_RESTARTED: EVERYBODY + HANDED_ON,
    Kind.CONNECTIONS_CLOSED: EVERYBODY,
    Kind.CONNECTION_CLOSED: LOSS,
    # No connection is lost. What is published is in doubt twice: as the broker stops to read, and
    # as it reads again.
    Kind.MEMORY_ALARM: len(WORKERS) * 2 * PUBLISHING,
    Kind.PERMISSIONS_WITHDRAWN: EVERYBODY,
    Kind.NETWORK_CUT: LOSS,
    Kind.FRAME_CUT: 2 * LOSS,
    Kind.NETWORK_SLOW: 0,
    Kind.STREAMS_CUT: 0,
    Kind.WORKER_TERMINATED: 0,
    Kind.WORKER_KILLED: LOSS + BULK,
}


@dataclass(frozen=True)
class Broken:
    """Hold what one fault did.

    at_stake: settled messages whose acknowledgements a killed broker may not have on its disk.
    """

    kind: Kind
    at_stake: int = 0


def bound(faults: Iterable[Broken]) -> int:
    """Return the most duplicates that are allowed after these faults."""
    return sum(ALLOWED[fault.kind] + fault.at_stake for fault in faults)
