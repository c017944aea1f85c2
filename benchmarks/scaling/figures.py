"""Which charts the guide has, and what they show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import charts
from benchmarks.charts import Curve, Line
from benchmarks.figures import LESS, MORE
from benchmarks.scaling import ceilings
from benchmarks.scaling.course import Course
from benchmarks.scaling.day import SECONDS
from benchmarks.scaling.model import Model

POINT: Final = 300
"""Seconds of one point of a curve, of which the highest value is shown."""
HOURS: Final = [f"{hour}:00" for hour in range(0, 25, 4)]
ACROSS: Final = "time of day"
DRAWN: Final = ("5 s", "30 s", "30 s and the rate", "120 s", "300 s")
"""The settings that have curves; a seventh would have no colour."""
FOREMOST: Final = ("30 s", "classic")


@dataclass(frozen=True)
class Day:
    """Name curves over a day. series: by their labels, a value for each second."""

    name: str
    title: str
    unit: str
    series: Callable[[Model], Mapping[str, Sequence[float]]]

    def draw(self, model: Model) -> str:
        """Return the SVG."""
        found = [
            Curve(label, tuple(_highest(values)), ours=label in FOREMOST)
            for label, values in self.series(model).items()
        ]
        return charts.curves(self.title, self.unit, ACROSS, HOURS, found)


@dataclass(frozen=True)
class Queues:
    """Name lines over numbers of queues, one for each kind. metric: of `ceilings.py`."""

    name: str
    title: str
    unit: str
    metric: str

    def draw(self, model: Model) -> str:
        """Return the SVG."""
        found = [
            Line(
                kind,
                tuple(model.queue(kind, count, self.metric) for count in ceilings.COUNTS),
                ours=kind in FOREMOST,
            )
            for kind in ceilings.KINDS
        ]
        marks = [str(count) for count in ceilings.COUNTS]
        return charts.lines(self.title, self.unit, "queues", marks, found)


def _settings(
    part: Callable[[Course], Sequence[float]],
) -> Callable[[Model], Mapping[str, Sequence[float]]]:
    return lambda model: {label: part(model.courses[label]) for label in DRAWN}


def _minutes_by_queues(model: Model) -> Mapping[str, Sequence[float]]:
    return {
        f"{count} queue{'s' if count > 1 else ''}": [second / 60 for second in course.age]
        for count, course in model.shards.items()
    }


def _highest(values: Sequence[float]) -> list[float]:
    """Return the highest value of each stretch of a day."""
    return [max(values[at : at + POINT]) for at in range(0, SECONDS, POINT)]


FIGURES: Final[tuple[Day | Queues, ...]] = (
    Day(
        "load",
        "The day of the model",
        "messages that come in a second",
        lambda model: {"": model.arrivals},
    ),
    Day(
        "age",
        "Age of the oldest message, by target",
        f"seconds that it waits, {LESS}",
        _settings(lambda course: course.age),
    ),
    Day("pods", "Pods, by target", f"pods, {LESS}", _settings(lambda course: course.pods)),
    Day(
        "backlog",
        "Backlog, by target",
        f"messages that wait, {LESS}",
        _settings(lambda course: course.backlog),
    ),
    Queues(
        "queues",
        "Through 1 to 8 queues, on one machine with all clients",
        f"messages a second, {MORE}",
        ceilings.CARRIED,
    ),
    Day(
        "shards",
        "Age of the oldest message, when the load is too much for one queue",
        f"minutes that it waits, {LESS}",
        _minutes_by_queues,
    ),
)
