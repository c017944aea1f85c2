"""docs/guides/outgrow.md and its charts, in both languages: guide.md, filled with the model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from string import Template
from typing import Final

from benchmarks import portuguese, table
from benchmarks.report import DOCS, RESULTS
from benchmarks.results import Results
from benchmarks.scaling import ceilings
from benchmarks.scaling.course import HOUR
from benchmarks.scaling.day import BURSTS
from benchmarks.scaling.figures import FIGURES, Day, Queues
from benchmarks.scaling.model import AWAITED, CONCURRENCY, LARGE, PEAK, Model
from benchmarks.scaling.settings import RECOMMENDED, SLOW, STARTUP
from benchmarks.table import Rows
from benchmarks.units import number, spread
from scripts.pages.languages import in_portuguese
from scripts.pages.phrases import Phrases

FOLDER: Final = Path(__file__).parent
QUEUES: Final = FOLDER / "queues.json"
"""What `ceilings.py` measured."""
TEMPLATE: Final = FOLDER / "guide.md"
PHRASES: Final = Phrases.read(FOLDER / "portuguese.toml")
PAGE: Final = Path("guides", "outgrow.md")
CHARTS: Final = "outgrow"
MOSTLY: Final = 0.99
SETTINGS: Final = [
    "target",
    "`value`",
    "99 of 100 wait at most, s",
    "the longest waits, s",
    "most that wait",
    "most pods",
    "pod hours",
]
CARRIED: Final = ["queues", "classic", "quorum", "broker's CPU µs, classic", "quorum's"]
RATES: Final = (1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 200_000)
NEEDED: Final = ["messages a second", "replicas", "queues", "cores of the broker"]
FULL: Final = 0.7
"""How much of a broker's cores may be busy, so that it catches up after a burst."""
NODE: Final = 16
"""Cores of a node, where a number has to be said."""


def read() -> Model:
    """Return the model of what was measured last."""
    return Model(Results.read(RESULTS), Results.read(QUEUES))


def write(model: Model, folder: Path = DOCS) -> Path:
    """Write the page and its charts, in English and in Portuguese; return the English page."""
    charts = folder / PAGE.parent / CHARTS
    charts.mkdir(parents=True, exist_ok=True)
    for figure in FIGURES:
        svg = figure.draw(model)
        (charts / f"{figure.name}.svg").write_text(svg)
        # The site shows this one on the Portuguese page, whose links are those of the English one.
        (charts / f"{figure.name}.pt-BR.svg").write_text(portuguese.chart(svg, PHRASES))
    page = folder / PAGE
    page.write_text(Filling(model, str).page(TEMPLATE))
    words = partial(portuguese.words, phrases=PHRASES)
    template = Path(in_portuguese(str(TEMPLATE)))
    Path(in_portuguese(str(page))).write_text(Filling(model, words).page(template))
    return page


@dataclass(frozen=True)
class Filling:
    """Fill a template with a model. words: puts a text into the language of the page."""

    model: Model
    words: Callable[[str], str]

    def page(self, template: Path) -> str:
        """Return the template with all in its places."""
        return Template(template.read_text()).substitute(
            {name: self.words(text) for name, text in self._texts().items()},
            **{f"figure_{one.name}": self._figure(one) for one in FIGURES},
            settings=self._table(SETTINGS, self._settings()),
            queues=self._table(CARRIED, self._queues()),
            needed=self._table(NEEDED, self._needed()),
            machine=self._table(["", ""], [list(one) for one in self.model.queues.machine.items()]),
        )

    def _figure(self, figure: Day | Queues) -> str:
        title = f"{self.words(figure.title)}: {self.words(figure.unit)}"
        return f"![{title}]({CHARTS}/{figure.name}.svg)"

    def _texts(self) -> dict[str, str]:
        """Return the numbers that stand in sentences."""
        return self._of_a_replica() | self._of_the_day() | self._of_queues()

    def _of_a_replica(self) -> dict[str, str]:
        worker = self.model.worker
        errors = [modelled / measured - 1 for measured, modelled in self.model.errors().values()]
        return {
            "cpu": f"{worker.cpu * 1e6:.0f}",
            "awaited": f"{AWAITED * 1e3:.0f}",
            "concurrency": f"{CONCURRENCY}",
            "startup": f"{STARTUP}",
            "rate": f"{worker.rate:.0f}",
            "busy": f"{100 * worker.rate * worker.cpu:.1f}",
            "value": f"{worker.value(RECOMMENDED)}",
            "each": f"{worker.value(1)}",
            "least_error": f"{100 * min(errors):.0f}",
            "most_error": f"{100 * max(errors):.0f}",
        }

    def _of_the_day(self) -> dict[str, str]:
        arrivals = self.model.arrivals
        few, many = (label for label in self.model.settings if label.startswith("fixed"))
        return {
            "peak": f"{PEAK:,}",
            "highest": _rounded(max(arrivals)),
            "total": f"{sum(arrivals) / 1e6:.0f}",
            "quiet": f"{arrivals.count(0) / HOUR:.0f}",
            "bursts": f"{BURSTS}",
            **self._of("short", "5 s"),
            **self._of("recommended", f"{RECOMMENDED} s"),
            **self._of("none", f"{RECOMMENDED} s, down to none"),
            **self._of("both", f"{RECOMMENDED} s and the rate"),
            **self._of("long", "300 s"),
            **self._of("slow", f"{RECOMMENDED} s, slow pods"),
            **self._of("slower", f"{SLOW + RECOMMENDED} s, slow pods"),
            **self._of("few", few),
            **self._of("many", many),
        }

    def _of_queues(self) -> dict[str, str]:
        model = self.model
        one, *several = model.alone().values()
        return {
            "taken": model.queues.taken,
            "cores": model.queues.machine["cores"],
            "alone_one": _rounded(one.median),
            "alone_several": _rounded(max(many.median for many in several)),
            "queue_us": number(model.queue("classic", 1, ceilings.QUEUES).median),
            "broker_us": number(model.queue("classic", 1, ceilings.BROKER).median),
            "quorum_us": number(model.queue("quorum", 1, ceilings.QUEUES).median),
            "one_queue": _rounded(model.one_queue),
            "others": f"{model.others:.0f}",
            "core": _rounded(model.core),
            "node": f"{NODE}",
            "full": f"{100 * FULL:.0f}",
            "of_node": _rounded(NODE * FULL * model.core),
            "large_peak": _rounded(model.one_queue * LARGE),
            "large_highest": _rounded(max(model.large)),
            "most": f"{max(model.shards[1].pods):,}",
            **{
                f"age_of_{count}": number(max(course.age) / 60)
                for count, course in model.shards.items()
            },
        }

    def _of(self, name: str, label: str) -> dict[str, str]:
        course = self.model.courses[label]
        return {
            f"{name}_p99": f"{course.wait(MOSTLY)}",
            f"{name}_longest": f"{max(course.age)}",
            f"{name}_pods": f"{max(course.pods)}",
            f"{name}_hours": f"{course.pod_hours:,.0f}",
        }

    def _settings(self) -> Rows:
        return [
            [
                label,
                f"{self.model.worker.value(setting.target):,}" if setting.target else "",
                f"{course.wait(MOSTLY)}",
                f"{max(course.age)}",
                _rounded(max(course.backlog)),
                f"{max(course.pods)}",
                f"{course.pod_hours:,.0f}",
            ]
            for (label, setting), course in zip(
                self.model.settings.items(), self.model.courses.values(), strict=True
            )
        ]

    def _queues(self) -> Rows:
        return [
            [
                f"{count}",
                *(
                    spread(self.model.queue(kind, count, ceilings.CARRIED))
                    for kind in ceilings.KINDS
                ),
                *(
                    spread(self.model.queue(kind, count, ceilings.BROKER))
                    for kind in ceilings.KINDS
                ),
            ]
            for count in ceilings.COUNTS
        ]

    def _needed(self) -> Rows:
        return [
            [
                f"{rate:,}",
                f"{self.model.replicas(rate)}",
                f"{ceil(rate / self.model.one_queue)}",
                f"{rate / self.model.core / FULL:.2g}",
            ]
            for rate in RATES
        ]

    def _table(self, head: list[str], rows: Rows) -> str:
        head, *rows = ([self.words(cell) for cell in cells] for cells in (head, *rows))
        return table.markdown(head, rows)


def _rounded(value: float) -> str:
    """Write a large number with two digits that count."""
    return f"{float(f'{value:.2g}'):,.0f}"
