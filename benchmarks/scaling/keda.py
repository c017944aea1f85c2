"""KEDA's ScaledObject with triggers of RabbitMQ: from none to one by itself, the rest by an HPA.

https://keda.sh/docs/latest/reference/scaledobject-spec/ and
https://keda.sh/docs/latest/scalers/rabbitmq-queue/; `pkg/scaling/executor` of kedacore/keda is the
code. KEDA asks the broker anew whenever the HPA looks, unless `useCachedMetrics` is set:
`pollingInterval` is about the step from none to one alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from benchmarks.scaling.hpa import Autoscaler, Reading

POLLING: Final = 30
COOLDOWN: Final = 300


@dataclass(frozen=True)
class Seen:
    """Hold what a broker tells of a queue.

    ready: messages that no replica has taken. unacknowledged: those that one has. rate: those that
    were published in a second.
    """

    ready: int
    unacknowledged: int
    rate: int


@dataclass(frozen=True)
class Trigger:
    """Hold one trigger.

    value: how much of it is for one replica. protocol: by AMQP, KEDA sees nothing of messages that
    are not acknowledged, and of rates.
    """

    mode: Literal["QueueLength", "MessageRate"]
    value: float
    protocol: Literal["amqp", "http"] = "amqp"

    def reading(self, seen: Seen) -> Reading:
        """Return what the HPA is given."""
        if self.mode == "MessageRate":
            return seen.rate, self.value
        return seen.ready + (seen.unacknowledged if self.protocol == "http" else 0), self.value


class Scaler(Protocol):
    """Decide how many replicas there are; it is asked whenever an HPA would look."""

    def replicas(self, second: int, replicas: int, seen: Seen) -> int:
        """Return how many there should be from now on."""


class Fixed:
    """Leave it at a number."""

    def __init__(self, count: int) -> None:
        self._count = count

    def replicas(self, second: int, replicas: int, seen: Seen) -> int:
        """Return that number."""
        return self._count


class ScaledObject:
    """Scale by triggers. least, most: `minReplicaCount` and `maxReplicaCount`."""

    def __init__(self, triggers: Sequence[Trigger], *, least: int = 0, most: int = 100) -> None:
        self._triggers = triggers
        self._least = least
        # No HPA may be at none.
        self._autoscaler = Autoscaler(max(least, 1), most)
        self._active = -COOLDOWN

    def replicas(self, second: int, replicas: int, seen: Seen) -> int:
        """Return how many there should be; KEDA itself looks less often than its HPA."""
        active = self._activated(second, replicas, seen) if second % POLLING == 0 else replicas
        if not active or not replicas:
            # Of none an HPA knows nothing; it has its turn when it looks the next time.
            return active
        readings = [trigger.reading(seen) for trigger in self._triggers]
        return self._autoscaler.desired(second, active, readings)

    def _activated(self, second: int, replicas: int, seen: Seen) -> int:
        if any(trigger.reading(seen)[0] for trigger in self._triggers):
            self._active = second
            return replicas or max(self._least, 1)
        if not self._least and second - self._active > COOLDOWN:
            return 0
        return max(replicas, self._least)
