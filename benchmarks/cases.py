"""What is measured: each case is one job under one condition, done by some peers."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from benchmarks.messages import LARGE, SMALL, USUAL
from benchmarks.peers import FLOOR, GUARDED, METERED, OLD, ORDERED, OURS, PEERS, RATED, TRACED

CPU: Final = "cpu_us"
RATE: Final = "rate"
P50: Final = "p50_ms"
P99: Final = "p99_ms"
IMPORT: Final = "import_ms"
RSS: Final = "rss_mb"
CORE: Final = "core_percent"

FAST: Final = 10
"""How many times as many messages a fast peer gets."""
QUEUED: Final = frozenset({"consume", "forward", "publish", "ask"})
"""The kinds in which it gets them: those whose messages wait in queues."""
BESIDE: Final = "beside"
"""The kind whose peers are in one process, that of the last one, and take turns there."""
QUICK: Final = 20
"""How many times fewer messages a quick run has."""

MODELS: Final = {
    "pydantic": "a model of pydantic",
    "dataclass": "a dataclass",
    "msgspec": "a struct of msgspec",
}
"""What bodies are validated as: the files of models/, and what is in them."""
AMQP: Final = (OURS, "aiormq", "aio-pika", "FastStream", "taskiq-aio-pika")
FORWARDING: Final = (OURS, "aio-pika", "FastStream")
ASKING: Final = (OURS, "FastStream")
HTTP: Final = (OURS, "aiohttp", "Starlette on uvicorn", "FastAPI on uvicorn", OLD)
EVENTS: Final[tuple[str, ...]] = (
    OURS,
    "httpx-sse, parsing alone",
    "httpx-sse",
    "aiosseclient",
    "aiohttp-sse-client2",
)


@dataclass(frozen=True)
class Case:
    """Say what one case measures.

    kind: which function of measure.py does it. metrics: the main one first. count: messages,
    requests, uses or seconds. settings: what else the kind needs. series, x: cases that differ by
    one number are points of one line. rounds: the most that it takes. turns: how often its peers
    alternate within a round. quick: part of --quick.
    """

    name: str
    kind: str
    title: str
    peers: tuple[str, ...]
    metrics: tuple[str, ...] = (CPU, RATE)
    count: int = 10_000
    settings: dict[str, Any] = field(default_factory=dict)
    series: str = ""
    x: int = 0
    rounds: int = 5
    turns: int = 1
    quick: bool = False

    @property
    def label(self) -> str:
        """Return the title, with the number by which it differs from the others of its series."""
        return f"{self.title}: {self.x:,}" if self.series else self.title

    @property
    def processes(self) -> tuple[str, ...]:
        """Return the peers that have a process of their own."""
        return self.peers[-1:] if self.kind == BESIDE else self.peers

    def amount(self, peer: str, *, quick: bool) -> int:
        """Return how many messages a peer gets."""
        fast = self.kind in QUEUED and PEERS[peer].fast and not self.series
        return self.count * (FAST if fast else 1) // (QUICK if quick else 1)


def _series(base: Case, setting: str, counts: dict[int, int], quick: int) -> Iterable[Case]:
    for x, count in counts.items():
        yield replace(
            base,
            name=f"{base.name}-{x}",
            series=base.name,
            x=x,
            count=count,
            settings=base.settings | {setting: x},
            quick=x == quick,
        )


def _consume(bulk: int, size: int = USUAL, **settings: Any) -> dict[str, Any]:
    return {"bulk": bulk, "size": size, "prefetch": max(256, 2 * bulk)} | settings


def _cases() -> Iterable[Case]:
    yield from _consume_cases()
    yield from _observed_cases()
    yield from _typed_cases()
    yield from _forward_cases()
    yield from _publish_cases()
    yield from _growth_cases()
    yield Case(
        "latency",
        "latency",
        "End to end latency at 1,000 messages a second",
        (*AMQP, OLD),
        metrics=(P50, P99),
        count=4_000,
        settings=_consume(1, rate=1_000),
        quick=True,
    )
    for kind, title in (("plain", "plain text"), ("path", "path parameter"), ("json", "JSON")):
        yield Case(
            f"http-{kind}",
            "http",
            f"HTTP: {title}",
            HTTP,
            count=10_000,
            settings={"request": kind},
            turns=6,
            quick=kind != "plain",
        )
    followers: dict[int, tuple[str, ...]] = {1: (OURS,), 100: EVENTS}
    for bulk, peers in followers.items():
        yield Case(
            f"sse-bulk-{bulk}",
            "follow",
            f"Server-Sent Events, bulk {bulk}",
            peers,
            count=100_000,
            settings={"bulk": bulk},
            quick=bulk > 1,
        )
    yield Case(
        "timeit", "clock", "Timeit, one use", (OURS, OLD), (CPU,), 200_000, turns=5, quick=True
    )
    for name, title in (("core", "Import"), ("rabbitmq", "Import, with RabbitMQ")):
        case = f"import-{name}"
        peers = tuple(peer.name for peer in PEERS.values() if case in peer.imports)
        yield Case(case, "imports", title, peers, (IMPORT,), 5, quick=name == "core")
    idlers = {
        "queue": ("a queue", (OURS, "aio-pika", "FastStream", "taskiq-aio-pika", OLD)),
        "everything": ("all that it can have", (OURS, "FastStream")),
    }
    for name, (what, peers) in idlers.items():
        yield Case(
            f"idle-{name}",
            "idle",
            f"An idle worker with {what}",
            peers,
            (RSS,),
            1,
            settings={"everything": name == "everything"},
            quick=True,
        )
    yield Case(
        "idle-everything-compiled",
        "idle",
        "An idle worker with all that it can have, of compiled modules",
        (OURS, "FastStream"),
        (RSS,),
        1,
        settings={"everything": True, "compiled": True},
    )
    yield Case(
        "idle-cpu",
        "idle",
        "An idle worker with a queue, its time",
        (OURS,),
        (CORE,),
        20,
        settings={"timed": True},
    )


def _typed_cases() -> Iterable[Case]:
    for model, what in MODELS.items():
        for bulk in (1, 100):
            yield Case(
                f"consume-typed-{model}-bulk-{bulk}",
                "consume",
                f"Consume 200 bytes as {what}, bulk {bulk}",
                (OURS, "FastStream") if bulk == 1 else (OURS,),
                count=5_000,
                settings=_consume(bulk, model=model),
                quick=bulk == 1,
            )


def _consume_cases() -> Iterable[Case]:
    peers: dict[int, tuple[str, ...]] = {
        1: (*AMQP, OLD, FLOOR),
        100: (OURS, OLD, FLOOR),
        1000: (OURS, OLD, FLOOR),
    }
    for bulk, them in peers.items():
        yield Case(
            f"consume-bulk-{bulk}",
            "consume",
            f"Consume 200 bytes, bulk {bulk}",
            them,
            settings=_consume(bulk),
            turns=3 if bulk == 100 else 1,
            quick=bulk < 1000,
        )
    for size, name, count in ((SMALL, "20B", 10_000), (LARGE, "20KB", 2_000)):
        for bulk in (1, 100):
            yield Case(
                f"consume-{name}-bulk-{bulk}",
                "consume",
                f"Consume {name}, bulk {bulk}",
                (*AMQP, FLOOR) if bulk == 1 else (OURS, FLOOR),
                count=count,
                settings=_consume(bulk, size),
            )
    yield from _series(
        Case(
            "await",
            "consume",
            "A handler that awaits 10 ms, prefetch",
            (*AMQP, OLD),
            (RATE, CPU),
            settings=_consume(1, pause=0.01),
            rounds=3,
        ),
        "prefetch",
        {16: 2_000, 64: 6_000, 256: 10_000, 1024: 10_000},
        quick=256,
    )


def _observed_cases() -> Iterable[Case]:
    """Of what costs so little that only many turns within one process tell it from chance."""
    for bulk in (1, 100):
        # Scraped once a slice, which is 40,000 messages: what a worker takes in less than a second.
        # What may cost no more than 2 % at one of both has twice the turns.
        for name, what, peer, turns in (
            ("metered", "with metrics", METERED, 4),
            ("guarded", "with a breaker", GUARDED, 4),
            ("ordered", "1,000 keys in order", ORDERED, 2),
            ("rated", "with a rate", RATED, 2),
        ):
            yield Case(
                f"{name}-bulk-{bulk}",
                BESIDE,
                f"Consume 200 bytes, {what}, bulk {bulk}",
                (OURS, peer),
                count=2_500,
                settings=_consume(bulk, slices=4, pieces=16),
                turns=turns,
                quick=bulk > 1,
            )
        yield Case(
            f"traced-bulk-{bulk}",
            "consume",
            f"Consume 200 bytes, traced, bulk {bulk}",
            (OURS, TRACED),
            settings=_consume(bulk),
            quick=bulk > 1,
        )


def _forward_cases() -> Iterable[Case]:
    for bulk in (1, 100):
        yield Case(
            f"forward-bulk-{bulk}",
            "forward",
            f"Forward 200 bytes with confirms, bulk {bulk}",
            FORWARDING if bulk == 1 else (OURS,),
            count=4_000,
            settings=_consume(bulk),
            quick=True,
        )


def _publish_cases() -> Iterable[Case]:
    for in_flight, title, count in ((1, "one at a time", 1_000), (100, "100 in flight", 5_000)):
        yield Case(
            f"publish-{in_flight}",
            "publish",
            f"Publish 200 bytes with confirms, {title}",
            (*AMQP, FLOOR),
            count=count,
            settings={"in_flight": in_flight, "size": USUAL},
            quick=True,
        )
    yield Case(
        "put-many",
        "publish",
        "Publish 200 bytes with confirms, 100 at a time",
        FORWARDING,
        count=3_000,
        settings={"in_flight": 100, "bulk": 100, "size": USUAL},
        turns=3,
        quick=True,
    )
    for size, name, count in ((SMALL, "20B", 5_000), (LARGE, "20KB", 1_000)):
        yield Case(
            f"publish-{name}",
            "publish",
            f"Publish {name} with confirms, 100 in flight",
            (*AMQP, FLOOR),
            count=count,
            settings={"in_flight": 100, "size": size},
        )
    yield Case(
        "ask",
        "ask",
        "Ask with 200 bytes, 100 in flight",
        ASKING,
        count=1_000,
        settings={"in_flight": 100, "size": USUAL},
        quick=True,
    )


def _growth_cases() -> Iterable[Case]:
    growth = Case("", "consume", "", (OURS,), settings=_consume(100), rounds=3)
    yield from _series(
        replace(growth, name="growth-prefetch", title="Prefetch", settings=_consume(1)),
        "prefetch",
        {1: 2_000, 4: 5_000, 16: 20_000, 64: 50_000, 256: 50_000, 1024: 50_000, 4096: 50_000},
        quick=0,
    )
    yield from _series(
        replace(growth, name="growth-routes", title="Queues, a route each", settings=_consume(10)),
        "routes",
        {1: 64_000, 4: 64_000, 16: 64_000, 64: 64_000},
        quick=64,
    )
    yield from _series(
        replace(growth, name="growth-processes", title="Processes on one queue", kind="share"),
        "processes",
        {1: 100_000, 2: 100_000, 4: 100_000},
        quick=2,
    )
    yield from _series(
        replace(growth, name="growth-messages", title="Messages", metrics=(CPU, RATE, "peak_mb")),
        "messages",
        {10**power: 10**power for power in (3, 4, 5, 6)},
        quick=0,
    )
    yield from _series(
        replace(
            growth,
            name="growth-keys",
            title="Keys, in order",
            peers=(ORDERED, OURS),
            metrics=(CPU, RATE, "peak_mb"),
            settings=_consume(1),
        ),
        "keys",
        {10**power: 100_000 for power in range(6)},
        quick=1_000,
    )
    yield from _series(
        replace(
            growth,
            name="growth-paths",
            title="URLs, a route each",
            kind="http",
            peers=(OURS, "aiohttp"),
            settings={"request": "path"},
        ),
        "routes",
        {1: 20_000, 4: 20_000, 16: 20_000, 64: 20_000},
        quick=0,
    )


CASES: Final = tuple(_cases())


def chosen(names: list[str], *, quick: bool) -> list[Case]:
    """Return the cases whose names begin with one of the given ones; without any, all of them.

    Raises: ValueError, for a name that begins none.
    """
    for name in names:
        if not any(case.name.startswith(name) for case in CASES):
            known = ", ".join(sorted({case.name.split("-")[0] for case in CASES}))
            raise ValueError(f"no case begins with {name!r}: there are {known}")
    return [
        case
        for case in CASES
        if case.name.startswith(tuple(names) or "") and (case.quick or not quick)
    ]
