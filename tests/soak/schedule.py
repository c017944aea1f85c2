"""What breaks, when and for how long: drawn from a seed, the same each time."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

WORKERS = ("first", "second")
WEIGHTS = (1, 5)
"""How often each worker is the one: who seldom ends shows whether its memory grows."""
GAP = (4.0, 9.0)
"""Seconds from one fault to the next."""


class Kind(StrEnum):
    """Name each fault that is drawn."""

    BROKER_KILLED = "broker killed with -9"
    BROKER_FROZEN = "broker frozen"
    BROKER_RESTARTED = "broker restarted"
    CONNECTIONS_CLOSED = "all connections closed by the operator"
    CONNECTION_CLOSED = "one connection closed by the operator"
    MEMORY_ALARM = "memory alarm"
    PERMISSIONS_WITHDRAWN = "permissions withdrawn"
    NETWORK_CUT = "connections cut"
    FRAME_CUT = "connections cut, and the next one within a frame"
    NETWORK_SLOW = "slow connections"
    STREAMS_CUT = "event streams cut"
    WORKER_TERMINATED = "worker terminated"
    WORKER_KILLED = "worker killed"


LASTS = {
    Kind.BROKER_KILLED: (0.0, 3.0),
    Kind.BROKER_FROZEN: (1.0, 12.0),
    Kind.BROKER_RESTARTED: (0.0, 3.0),
    Kind.MEMORY_ALARM: (1.0, 12.0),
    Kind.PERMISSIONS_WITHDRAWN: (1.0, 6.0),
    Kind.NETWORK_SLOW: (2.0, 10.0),
    Kind.WORKER_TERMINATED: (0.0, 3.0),
    Kind.WORKER_KILLED: (0.0, 3.0),
}
"""Seconds from the fault to its end, where there are two moments."""
ON_A_WORKER = {
    Kind.NETWORK_CUT,
    Kind.FRAME_CUT,
    Kind.NETWORK_SLOW,
    Kind.WORKER_TERMINATED,
    Kind.WORKER_KILLED,
}


@dataclass(frozen=True)
class Fault:
    """Hold one fault: at, seconds from the beginning; worker, which one it is about, if any.

    chance: from 0 to 1, for what can be drawn at its moment alone, as one of the connections.
    """

    at: float
    kind: Kind
    worker: str
    seconds: float
    chance: float

    def __str__(self) -> str:
        whose = f" of the {self.worker} worker" if self.worker else ""
        if self.kind in (Kind.WORKER_TERMINATED, Kind.WORKER_KILLED):
            whose = f": the {self.worker}"
        lasts = f", for {self.seconds:.1f} s" if self.kind in LASTS else ""
        return f"{self.kind}{whose}{lasts}"


def draw(seed: int, minutes: float) -> list[Fault]:
    """Return the faults of a soak, in order of time.

    Kinds are dealt like cards, so that a short soak has some of each.
    """
    rng = Random(seed)
    faults: list[Fault] = []
    cards: list[Kind] = []
    at = rng.uniform(*GAP)
    while at < minutes * 60:
        if not cards:
            cards = list(Kind)
            rng.shuffle(cards)
        faults.append(_fault(rng, at, cards.pop()))
        at += rng.uniform(*GAP)
    return faults


def _fault(rng: Random, at: float, kind: Kind) -> Fault:
    (worker,) = rng.choices(WORKERS, WEIGHTS)
    seconds = rng.uniform(*LASTS.get(kind, (0.0, 0.0)))
    return Fault(at, kind, worker if kind in ON_A_WORKER else "", seconds, rng.random())
