"""Which charts the report has, and what they show."""

from dataclasses import dataclass
from typing import Final

from benchmarks import charts
from benchmarks.cases import (
    AMQP,
    ASKING,
    CASES,
    CPU,
    EVENTS,
    FORWARDING,
    HTTP,
    IMPORT,
    MODELS,
    P50,
    P99,
    RATE,
    RSS,
)
from benchmarks.peers import FLOOR, OLD, ORDERED, OURS
from benchmarks.results import Results, Value

LESS: Final = "less is better"
MORE: Final = "more is better"
CPU_EACH: Final = f"CPU µs a message, {LESS}"


@dataclass(frozen=True)
class Bars:
    """Name values that stand side by side; what was not measured is left out."""

    name: str
    title: str
    unit: str
    rows: tuple[tuple[str, Value], ...]

    def draw(self, results: Results) -> str:
        """Return the SVG, the best on top; nothing when nothing was measured."""
        found = [
            charts.Bar(label, spread, ours=value.peer == OURS)
            for label, value in self.rows
            if (spread := results.spread(value))
        ]
        found.sort(key=lambda bar: bar.values.median)
        return charts.bars(self.title, self.unit, found) if found else ""


@dataclass(frozen=True)
class Lines:
    """Name series, each a line for each peer.

    series: labels, series of cases, peers.
    """

    name: str
    title: str
    unit: str
    across: str
    metric: str
    series: tuple[tuple[str, str, str], ...]

    def draw(self, results: Results) -> str:
        """Return the SVG; nothing when nothing was measured."""
        found = []
        marks: list[str] = []
        for label, series, peer in self.series:
            points = [case for case in CASES if case.series == series]
            marks = [f"{case.x:,}" for case in points]
            values = (results.spread(Value(case.name, peer, self.metric)) for case in points)
            line = charts.Line(label, tuple(values), ours=peer == OURS)
            if any(line.points):
                found.append(line)
        return charts.lines(self.title, self.unit, self.across, marks, found) if found else ""


Figure = Bars | Lines


def _each(case: str, peers: tuple[str, ...], metric: str = CPU) -> tuple[tuple[str, Value], ...]:
    return tuple((peer, Value(case, peer, metric)) for peer in peers)


def _bulks(*peers: str) -> tuple[tuple[str, Value], ...]:
    return tuple(
        (f"{peer}, bulk {bulk}", Value(f"consume-bulk-{bulk}", peer, CPU))
        for peer in peers
        for bulk in (1, 100, 1000)
    )


def _typed(peer: str, bulk: int) -> tuple[tuple[str, Value], ...]:
    return tuple(
        (f"{peer}, {model}, bulk {bulk}", Value(f"consume-typed-{model}-bulk-{bulk}", peer, CPU))
        for model in MODELS
    )


def _growth(name: str, title: str, across: str, *peers: str) -> Lines:
    series = tuple((peer, f"growth-{name}", peer) for peer in peers or (OURS,))
    unit = f"CPU µs a {'request' if name == 'paths' else 'message'}, {LESS}"
    return Lines(f"growth-{name}", title, unit, across, CPU, series)


_ONE_BY_ONE: Final = ("aiormq", "aio-pika", "FastStream", "taskiq-aio-pika")
FIGURES: Final[tuple[Figure, ...]] = (
    Bars(
        "consume",
        "Consume 200 bytes of JSON",
        CPU_EACH,
        _bulks(OURS, FLOOR, OLD) + _each("consume-bulk-1", _ONE_BY_ONE),
    ),
    *(
        Bars(
            f"consume-{size.lower()}",
            f"Consume 20 {words} of JSON",
            CPU_EACH,
            (
                (f"{OURS}, bulk 100", Value(f"consume-{size}-bulk-100", OURS, CPU)),
                *_each(f"consume-{size}-bulk-1", (*AMQP, FLOOR)),
            ),
        )
        for size, words in (("20B", "bytes"), ("20KB", "KB"))
    ),
    Bars(
        "consume-typed",
        "Consume 200 bytes of JSON as a type",
        CPU_EACH,
        _typed(OURS, 1) + _typed(OURS, 100) + _typed("FastStream", 1),
    ),
    Lines(
        "await",
        "A handler that awaits 10 ms",
        f"messages a second, {MORE}",
        "prefetch",
        RATE,
        tuple((peer, "await", peer) for peer in (*AMQP, OLD)),
    ),
    Bars(
        "forward",
        "Forward 200 bytes of JSON with confirms",
        CPU_EACH,
        (
            (f"{OURS}, bulk 1", Value("forward-bulk-1", OURS, CPU)),
            (f"{OURS}, bulk 100", Value("forward-bulk-100", OURS, CPU)),
            *_each("forward-bulk-1", FORWARDING[1:]),
        ),
    ),
    *(
        Bars(
            f"publish-{in_flight}",
            f"Publish 200 bytes with confirms, {how}",
            CPU_EACH,
            _each(f"publish-{in_flight}", (*AMQP, FLOOR)),
        )
        for in_flight, how in ((100, "100 in flight"), (1, "one at a time"))
    ),
    Bars(
        "put-many",
        "Publish 200 bytes with confirms, 100 at a time",
        CPU_EACH,
        _each("put-many", FORWARDING),
    ),
    Bars(
        "ask",
        "Ask with 200 bytes, 100 in flight",
        f"CPU µs a question, {LESS}",
        _each("ask", ASKING),
    ),
    Bars(
        "latency",
        "From sender to handler, 1,000 messages a second",
        f"milliseconds, {LESS}",
        tuple(
            (f"{peer}, {name}", Value("latency", peer, metric))
            for peer in (*AMQP, OLD)
            for name, metric in (("p50", P50), ("p99", P99))
        ),
    ),
    *(
        Bars(f"http-{kind}", what, f"CPU µs a request, {LESS}", _each(f"http-{kind}", HTTP))
        for kind, what in (
            ("plain", "HTTP: text"),
            ("path", "HTTP: path parameter"),
            ("json", "HTTP: JSON in and out"),
        )
    ),
    Bars(
        "sse",
        "Server-Sent Events with 200 bytes of JSON",
        f"CPU µs an event, {LESS}",
        (
            *_each("sse-bulk-100", EVENTS[1:]),
            (f"{OURS}, bulk 100", Value("sse-bulk-100", OURS, CPU)),
            (f"{OURS}, bulk 1", Value("sse-bulk-1", OURS, CPU)),
        ),
    ),
    Bars("timeit", "Timeit, one use", f"CPU µs, {LESS}", _each("timeit", (OURS, OLD))),
    Bars(
        "import",
        "Import",
        f"CPU ms, {LESS}",
        (
            (f"{OURS}, core alone", Value("import-core", OURS, IMPORT)),
            (f"{OURS} with RabbitMQ", Value("import-rabbitmq", OURS, IMPORT)),
            ("FastStream", Value("import-core", "FastStream", IMPORT)),
            ("FastStream with RabbitMQ", Value("import-rabbitmq", "FastStream", IMPORT)),
            *_each("import-rabbitmq", ("aiormq", "aio-pika", "taskiq-aio-pika", OLD), IMPORT),
        ),
    ),
    Bars(
        "idle",
        "An idle worker",
        f"MB in memory, {LESS}",
        (
            *_each("idle-queue", (OURS, "aio-pika", "FastStream", "taskiq-aio-pika", OLD), RSS),
            (f"{OURS}, all backends", Value("idle-everything", OURS, RSS)),
            ("FastStream, with HTTP", Value("idle-everything", "FastStream", RSS)),
            (f"{OURS}, all, compiled", Value("idle-everything-compiled", OURS, RSS)),
            ("FastStream, HTTP, compiled", Value("idle-everything-compiled", "FastStream", RSS)),
        ),
    ),
    _growth("prefetch", "Prefetch from 1 to 4,096", "prefetch, bulk 1"),
    _growth("routes", "1 to 64 queues, a route each", "routes, bulk 10"),
    _growth("paths", "1 to 64 URLs", "routes", OURS, "aiohttp"),
    _growth("messages", "A thousand to a million messages", "messages, bulk 100"),
    _growth("keys", "1 to 100,000 keys, each in order", "keys, bulk 1", ORDERED),
    _growth("processes", "1 to 4 processes on one queue", "processes, bulk 100"),
    Lines(
        "growth-rate",
        "1 to 4 processes on one queue, together",
        f"messages a second, {MORE}",
        "processes, bulk 100",
        RATE,
        ((OURS, "growth-processes", OURS),),
    ),
)
