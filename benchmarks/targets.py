"""What asyncworker promises itself: ratios within one run, and whether they were reached."""

from dataclasses import dataclass
from typing import Final

from benchmarks.cases import CPU, IMPORT, RATE, RSS
from benchmarks.peers import FLOOR, GUARDED, METERED, OLD, ORDERED, OURS, RATED
from benchmarks.results import Results, Spread, Value

REACHED: Final = "reached"
NOT_REACHED: Final = "not reached"


@dataclass(frozen=True)
class Target:
    """Limit one value in terms of another.

    least: whether the limit is the least that is wanted, rather than the most.
    """

    job: str
    ours: Value
    theirs: Value
    limit: float
    least: bool = False

    @property
    def words(self) -> str:
        """Return what is wanted, as `at most 0.07 × aio-pika`."""
        return f"{'at least' if self.least else 'at most'} {self.limit:g} × {self.theirs.peer}"

    def reached(self, ratio: float) -> bool:
        """Tell whether a ratio is good enough."""
        return ratio >= self.limit if self.least else ratio <= self.limit


@dataclass(frozen=True)
class Verdict:
    """Say what became of a target; ratio is None when it was not measured."""

    target: Target
    ratio: Spread | None
    why: str = ""

    @property
    def words(self) -> str:
        """Return the verdict in a word or two."""
        if self.ratio is None:
            return f"not measured: {self.why}"
        return REACHED if self.target.reached(self.ratio.median) else NOT_REACHED


def verdicts(results: Results) -> list[Verdict]:
    """Return what became of each target."""
    return [_verdict(results, target) for target in TARGETS]


def _verdict(results: Results, target: Target) -> Verdict:
    ratio = results.ratio(target.ours, target.theirs)
    missing = next(
        (value for value in (target.ours, target.theirs) if not results.values(value)), None
    )
    if missing is None:
        return Verdict(target, ratio)
    return Verdict(target, None, results.absent.get(missing.peer, f"{missing.case} did not run"))


def _target(
    job: str,
    case: str,
    limit: float,
    peer: str,
    *,
    at: str = "",
    metric: str = CPU,
    ours: str = OURS,
) -> Target:
    return Target(
        job,
        ours=Value(case, ours, metric),
        theirs=Value(at or case, peer, metric),
        limit=limit,
        # Of messages a second there should be many, of everything else little.
        least=metric == RATE,
    )


# aio-pika and FastStream hand over one message a call: that is what a batch is compared with.
_ONE: Final = "consume-bulk-1"
_FORWARD: Final = "forward-bulk-1"
_CONSUME: Final = "consume, bulk 100"
_TYPED: Final = "consume-typed-pydantic-bulk"
TARGETS: Final = (
    _target(_CONSUME, "consume-bulk-100", 0.07, "aio-pika", at=_ONE),
    _target(_CONSUME, "consume-bulk-100", 0.04, "FastStream", at=_ONE),
    _target(_CONSUME, "consume-bulk-100", 0.10, OLD),
    _target(_CONSUME, "consume-bulk-100", 4.5, FLOOR),
    _target(f"{_CONSUME}, messages a second", "consume-bulk-100", 0.85, FLOOR, metric=RATE),
    _target("consume, bulk 1", _ONE, 0.08, "aio-pika"),
    _target("consume, bulk 1", _ONE, 0.05, "FastStream"),
    _target("consume with metrics, bulk 1", "metered-bulk-1", 1.05, OURS, ours=METERED),
    _target("consume with metrics, bulk 100", "metered-bulk-100", 1.02, OURS, ours=METERED),
    _target("consume with a breaker, bulk 1", "guarded-bulk-1", 1.02, OURS, ours=GUARDED),
    _target("consume with a breaker, bulk 100", "guarded-bulk-100", 1.02, OURS, ours=GUARDED),
    _target("consume in order by key, bulk 1", "ordered-bulk-1", 1.25, OURS, ours=ORDERED),
    _target("consume in order by key, bulk 100", "ordered-bulk-100", 1.25, OURS, ours=ORDERED),
    _target("consume with a rate, bulk 1", "rated-bulk-1", 1.03, OURS, ours=RATED),
    _target("consume with a rate, bulk 100", "rated-bulk-100", 1.03, OURS, ours=RATED),
    _target("consume as a model, bulk 1", f"{_TYPED}-1", 0.06, "FastStream"),
    _target("consume as a model, bulk 100", f"{_TYPED}-100", 0.045, "FastStream", at=f"{_TYPED}-1"),
    _target("publish, 100 in flight", "publish-100", 0.12, "aio-pika"),
    _target("publish, one at a time", "publish-1", 0.6, "aio-pika"),
    _target("forward, bulk 100", "forward-bulk-100", 0.06, "aio-pika", at=_FORWARD),
    _target("forward, bulk 100", "forward-bulk-100", 0.035, "FastStream", at=_FORWARD),
    _target("forward, bulk 1", _FORWARD, 0.12, "aio-pika"),
    _target("publish, 100 at a time", "put-many", 0.06, "aio-pika"),
    _target("ask, 100 in flight", "ask", 0.5, "FastStream"),
    _target("HTTP, plain", "http-plain", 1.08, "aiohttp"),
    _target("HTTP, typed path parameter", "http-path", 1.12, "aiohttp"),
    _target("SSE event, bulk 100", "sse-bulk-100", 1.0, "httpx-sse, parsing alone"),
    _target("Timeit, one use", "timeit", 1.2, OLD),
    _target("import of core", "import-core", 0.5, "FastStream", metric=IMPORT),
    _target("memory, idle with a queue", "idle-queue", 1.0, "FastStream", metric=RSS),
    _target("memory, idle with all backends", "idle-everything", 1.0, "FastStream", metric=RSS),
)
