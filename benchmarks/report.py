"""docs/performance.md and its charts, in both languages: report.md, filled with results."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from benchmarks import portuguese, table
from benchmarks.cases import CASES
from benchmarks.figures import FIGURES, Figure
from benchmarks.results import Results
from benchmarks.table import Rows
from benchmarks.units import number
from scripts import ROOT
from scripts.pages.languages import in_portuguese

DOCS: Final = ROOT / "docs"
RESULTS: Final = Path(__file__).with_name("results.json")
TEMPLATE: Final = Path(__file__).with_name("report.md")
BROKERS: Final = Path(__file__).with_name("brokers")
"""Where runs on several brokers are kept, a file each."""
PAGE: Final = "performance.md"
CHARTS: Final = "performance"
NOTHING: Final = "Not measured in this run."
EVERYTHING: Final = "Everything was measured."
PROFILE: Final = ["function, or library", "%"]


def write(results: Results, folder: Path) -> Path:
    """Write the page and its charts, in English and in Portuguese; return the English page."""
    charts = folder / CHARTS
    charts.mkdir(parents=True, exist_ok=True)
    drawn = {figure.name: figure.draw(results) for figure in FIGURES}
    for name, svg in drawn.items():
        _put(charts / f"{name}.svg", svg)
        # The site shows this one on the Portuguese page, whose links are those of the English one.
        _put(charts / f"{name}.pt-BR.svg", portuguese.chart(svg))
    page = folder / PAGE
    page.write_text(Filling(results, str).page(TEMPLATE))
    template = Path(in_portuguese(str(TEMPLATE)))
    Path(in_portuguese(str(page))).write_text(Filling(results, portuguese.words).page(template))
    return page


def _put(chart: Path, svg: str) -> None:
    """Write a chart, or take an older one away."""
    if svg:
        chart.write_text(svg)
    else:
        chart.unlink(missing_ok=True)


@dataclass(frozen=True)
class Filling:
    """Fill a template with results. words: puts a text into the language of the page."""

    results: Results
    words: Callable[[str], str]

    def page(self, template: Path) -> str:
        """Return the template with all in its places."""
        results = self.results
        return Template(template.read_text()).substitute(
            {f"figure_{one.name.replace('-', '_')}": self._figure(one) for one in FIGURES},
            taken=results.taken,
            rounds=self.words(f"{results.rounds} round{'s' if results.rounds > 1 else ''}"),
            verdicts=self._table(table.VERDICTS, table.verdict_rows(results)),
            brokers=self._brokers(),
            machine=self._table(["", ""], [list(pair) for pair in results.machine.items()]),
            versions=", ".join(f"{name} {version}" for name, version in results.versions.items()),
            profiles=self._profiles(),
            missing=self._missing(),
            numbers=self._numbers(),
        )

    def _figure(self, figure: Figure) -> str:
        if not figure.draw(self.results):
            return f"*{self.words(NOTHING)}*"
        title = f"{self.words(figure.title)}: {self.words(figure.unit)}"
        return f"![{title}]({CHARTS}/{figure.name}.svg)"

    def _brokers(self) -> str:
        runs = [Results.read(path) for path in sorted(BROKERS.glob("*.json"))]
        return self._table(table.broker_headings(runs), table.broker_rows(runs))

    def _profiles(self) -> str:
        titles = {case.name: case.title for case in CASES}
        return self._sections(
            (titles[name], PROFILE, [[f"`{what}`", number(part)] for what, part in rows])
            for name, rows in self.results.profiles.items()
        )

    def _missing(self) -> str:
        lines = [f"{name}: {reason}" for name, reason in self.results.absent.items()]
        lines += [f"failed: {failure}" for failure in self.results.failures]
        return "\n".join(f"- {self.words(line)}" for line in lines) or self.words(EVERYTHING)

    def _numbers(self) -> str:
        return self._sections(
            (case.label, table.headings(case), table.rows(self.results, case))
            for case in table.measured(self.results)
        )

    def _sections(self, tables: Iterable[tuple[str, list[str], Rows]]) -> str:
        return "\n\n".join(
            f"### {self.words(title)}\n\n{self._table(head, rows)}" for title, head, rows in tables
        )

    def _table(self, head: list[str], rows: Rows) -> str:
        head, *rows = ([self.words(cell) for cell in cells] for cells in (head, *rows))
        return table.markdown(head, rows)
