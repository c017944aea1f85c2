"""The rule of Kubernetes' HorizontalPodAutoscaler, for external metrics of an average value.

As of its defaults in `autoscaling/v2`:
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details and
#default-behavior there; `pkg/controller/podautoscaler` of kubernetes/kubernetes is the code.
"""

from collections import deque
from collections.abc import Iterable
from math import ceil
from typing import Final

SYNC: Final = 15
"""Seconds between two looks: `--horizontal-pod-autoscaler-sync-period`."""
TOLERANCE: Final = 0.1
"""How far a metric may be from its target: `--horizontal-pod-autoscaler-tolerance`."""
STABILISATION: Final = 300
"""Seconds whose highest recommendation counts when there should be fewer: `scaleDown`."""
PERIOD: Final = 15
PERCENT: Final = 100
PODS: Final = 4
"""In a period, as many percent more or as many pods more, whichever is more: `scaleUp`."""

Reading = tuple[float, float]
"""What a metric is, and what it should be for each replica."""


class Autoscaler:
    """Remember what was recommended, and what was added.

    An HPA whose `behavior` is left out altogether has the same rule but for two things: one pod
    becomes four at the first step rather than five, and a high recommendation of the last five
    minutes is followed upwards, too.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self._recommended: deque[tuple[int, int]] = deque()
        self._added: deque[tuple[int, int]] = deque()

    def desired(self, second: int, replicas: int, readings: Iterable[Reading]) -> int:
        """Return how many replicas there should be, of several metrics by the one that wants most.

        second: now. replicas: how many there should be up to now, ready or not.
        """
        wanted = max(_wanted(replicas, *reading) for reading in readings)
        stable = self._stabilised(second, replicas, wanted)
        bounded = min(max(stable, self._least), self._most, self._limit(second, replicas))
        if bounded > replicas:
            self._added.append((second, bounded - replicas))
        return bounded

    def _stabilised(self, second: int, replicas: int, wanted: int) -> int:
        _forget(self._recommended, second - STABILISATION)
        earlier = max((count for _, count in self._recommended), default=wanted)
        self._recommended.append((second, wanted))
        return wanted if wanted >= replicas else max(wanted, earlier)

    def _limit(self, second: int, replicas: int) -> int:
        _forget(self._added, second - PERIOD)
        before = replicas - sum(count for _, count in self._added)
        return max(ceil(before * (1 + PERCENT / 100)), before + PODS, replicas)


def _wanted(replicas: int, metric: float, each: float) -> int:
    if abs(1 - metric / (each * replicas)) <= TOLERANCE:
        return replicas
    return ceil(metric / each)


def _forget(noted: deque[tuple[int, int]], until: int) -> None:
    while noted and noted[0][0] <= until:
        noted.popleft()
