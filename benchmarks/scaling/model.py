"""What the model is given, most of it measured, and what comes out of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from statistics import median
from typing import Final

from benchmarks.cases import CASES, CPU, RATE, Case
from benchmarks.peers import OURS
from benchmarks.results import Results, Spread, Value
from benchmarks.scaling import ceilings
from benchmarks.scaling.course import Course
from benchmarks.scaling.day import Day
from benchmarks.scaling.keda import ScaledObject, Trigger
from benchmarks.scaling.settings import RECOMMENDED, STARTUP, Setting, settings
from benchmarks.scaling.simulation import simulate
from benchmarks.scaling.worker import Worker

SEED: Final = 18
PEAK: Final = 4_000
"""Messages a second where the curve of the day is at its highest."""
AWAITED: Final = 0.1
CONCURRENCY: Final = 32
DRAIN: Final = 5
MEASURED_CPU: Final = Value("await-256", OURS, CPU)
"""Of handlers that wait: a timer for each of them is in it."""
AWAITING: Final = 0.01
"""Seconds that handlers await in that case."""
LARGE: Final = 1.1
"""The peak of the large day, in terms of what one queue carries."""
SHARDS: Final = (1, 2, 4)
MOST: Final = 1_000


@dataclass(frozen=True)
class Model:
    """Hold what was measured. results: those of the benchmark. queues: those of `ceilings.py`."""

    results: Results
    queues: Results

    @cached_property
    def cpu(self) -> float:
        """Return the seconds of CPU that a message takes."""
        return self._measured(self.results, MEASURED_CPU).median / 1e6

    @cached_property
    def worker(self) -> Worker:
        """Return a replica of the model."""
        return Worker(AWAITED, self.cpu, CONCURRENCY, STARTUP, DRAIN)

    @cached_property
    def arrivals(self) -> list[int]:
        """Return the day of which settings are compared."""
        return Day.seeded(PEAK, SEED).arrivals()

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Return what is compared."""
        return settings(self.worker, PEAK, max(self.arrivals))

    @cached_property
    def courses(self) -> dict[str, Course]:
        """Return how the day goes with each of them."""
        return {label: self._course(setting) for label, setting in self.settings.items()}

    @cached_property
    def large(self) -> list[int]:
        """Return a day whose afternoon is more than one queue carries, and its bursts than two."""
        return Day.seeded(round(self.one_queue * LARGE, -2), SEED).arrivals()

    @cached_property
    def shards(self) -> dict[int, Course]:
        """Return how the large day goes with so many queues, and replicas enough."""
        trigger = Trigger("QueueLength", self.worker.value(RECOMMENDED))
        return {
            count: simulate(
                self.large,
                self.worker,
                ScaledObject([trigger], least=1, most=MOST),
                ceiling=count * self.one_queue,
            )
            for count in SHARDS
        }

    @property
    def one_queue(self) -> float:
        """Return the messages a second for which one classic queue takes one core.

        A queue is one process of Erlang, which has no more than that.
        """
        return 1e6 / self.queue("classic", 1, ceilings.QUEUES).median

    @property
    def core(self) -> float:
        """Return the messages a second for which the broker takes one core."""
        return 1e6 / self.queue("classic", 1, ceilings.BROKER).median

    def queue(self, kind: str, count: int, metric: str) -> Spread:
        """Return what was measured of some queues."""
        return self._measured(self.queues, Value(ceilings.case(kind, count), OURS, metric))

    @property
    def others(self) -> float:
        """Return the percent of the machine that others had while queues were measured."""
        return median(
            percent
            for case in self.queues.runs
            for percent in self.queues.values(Value(case, OURS, ceilings.OTHERS))
        )

    def alone(self) -> dict[int, Spread]:
        """Return the messages a second that one process takes of queues that are full."""
        return {case.x: self._rate(case) for case in CASES if case.series == "growth-routes"}

    def errors(self) -> dict[int, tuple[float, float]]:
        """Return messages a second that were measured, and those of the model, by concurrency."""
        found = {}
        for case in CASES:
            if case.series == "await":
                cpu = self._measured(self.results, Value(case.name, OURS, CPU)).median / 1e6
                found[case.x] = self._rate(case).median, Worker(AWAITING, cpu, case.x).rate
        return found

    def replicas(self, rate: float) -> int:
        """Return how many take as much as comes."""
        return ceil(rate / self.worker.rate)

    def _course(self, setting: Setting) -> Course:
        worker = replace(self.worker, startup=setting.startup)
        return simulate(
            self.arrivals,
            worker,
            setting.scaler(worker),
            ceiling=self.one_queue,
            replicas=setting.replicas,
        )

    def _rate(self, case: Case) -> Spread:
        return self._measured(self.results, Value(case.name, OURS, RATE))

    def _measured(self, results: Results, value: Value) -> Spread:
        found = results.spread(value)
        if found is None:
            raise ValueError(f"{value.case} was not measured: {value.peer}, {value.metric}")
        return found
