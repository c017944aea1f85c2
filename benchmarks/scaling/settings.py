"""How a deployment may be scaled: what is compared."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from benchmarks.scaling.keda import Fixed, ScaledObject, Scaler, Trigger
from benchmarks.scaling.worker import Worker

TARGETS: Final = (5, 15, 30, 60, 120, 300)
"""Seconds in which a replica is to work off what is counted for it."""
RECOMMENDED: Final = 30
STARTUP: Final = 15
"""Seconds that a pod takes to start on a node that has room and the image."""
SLOW: Final = 60
"""Seconds that a pod takes to start where a node, or a large image, comes first."""


@dataclass(frozen=True)
class Setting:
    """Hold one way to scale. startup: seconds that a pod takes. replicas: those of the evening."""

    scaler: Callable[[Worker], Scaler]
    target: int | None = None
    startup: int = STARTUP
    replicas: int = 0


def settings(worker: Worker, curve: float, highest: float) -> dict[str, Setting]:
    """Return what is compared, by its label.

    curve, highest: messages a second, at the peak of the curve and in the highest burst.
    """
    numbers = (ceil(rate / worker.rate) for rate in (curve, highest))
    return {
        **{f"{seconds} s": by_length(seconds) for seconds in TARGETS},
        f"{RECOMMENDED} s, down to none": down_to_none(RECOMMENDED),
        f"{RECOMMENDED} s and the rate": by_both(RECOMMENDED),
        f"{RECOMMENDED} s, slow pods": by_length(RECOMMENDED, SLOW),
        f"{SLOW + RECOMMENDED} s, slow pods": by_length(SLOW + RECOMMENDED, SLOW),
        **{f"fixed: {number}": fixed(number) for number in numbers},
    }


def by_length(seconds: int, startup: int = STARTUP) -> Setting:
    """Scale by the length of the queue alone, as `asyncworker manifest` has it."""

    def scaler(worker: Worker) -> Scaler:
        return ScaledObject([Trigger("QueueLength", worker.value(seconds))], least=1)

    return Setting(scaler, seconds, startup)


def down_to_none(seconds: int) -> Setting:
    """Scale by the length of the queue, with no replica where nothing comes."""

    def scaler(worker: Worker) -> Scaler:
        return ScaledObject([Trigger("QueueLength", worker.value(seconds), "http")])

    return Setting(scaler, seconds)


def by_both(seconds: int) -> Setting:
    """Scale by the length of the queue, and by what is published to it."""

    def scaler(worker: Worker) -> Scaler:
        length = Trigger("QueueLength", worker.value(seconds), "http")
        return ScaledObject([length, Trigger("MessageRate", worker.value(1), "http")], least=1)

    return Setting(scaler, seconds)


def fixed(number: int) -> Setting:
    """Scale not at all."""
    return Setting(lambda _: Fixed(number), replicas=number)
