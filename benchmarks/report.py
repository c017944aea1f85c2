"""docs/performance.md and its charts: the template report.md, filled with results."""

from pathlib import Path
from string import Template
from typing import Final

from benchmarks import table
from benchmarks.cases import CASES
from benchmarks.figures import FIGURES
from benchmarks.results import Results
from benchmarks.units import number

TEMPLATE: Final = Path(__file__).with_name("report.md")
PAGE: Final = "performance.md"
CHARTS: Final = "performance"
NOTHING: Final = "*Not measured in this run.*"


def write(results: Results, folder: Path) -> Path:
    """Write the page and its charts; return the page."""
    charts = folder / CHARTS
    charts.mkdir(parents=True, exist_ok=True)
    drawn = {figure.name: figure.draw(results) for figure in FIGURES}
    for name, svg in drawn.items():
        if svg:
            (charts / f"{name}.svg").write_text(svg)
        else:
            (charts / f"{name}.svg").unlink(missing_ok=True)
    page = folder / PAGE
    page.write_text(render(results, [name for name, svg in drawn.items() if svg]))
    return page


def render(results: Results, drawn: list[str]) -> str:
    """Return the page.

    drawn: the names of the charts that there are.
    """
    titles = {figure.name: f"{figure.title}: {figure.unit}" for figure in FIGURES}
    figures = {
        f"figure_{name.replace('-', '_')}": f"![{title}]({CHARTS}/{name}.svg)"
        if name in drawn
        else NOTHING
        for name, title in titles.items()
    }
    return Template(TEMPLATE.read_text()).substitute(
        figures,
        taken=results.taken,
        rounds=f"{results.rounds} round{'s' if results.rounds > 1 else ''}",
        verdicts=table.markdown(table.VERDICTS, table.verdict_rows(results)),
        machine=table.markdown(["", ""], [list(pair) for pair in results.machine.items()]),
        versions=", ".join(f"{name} {version}" for name, version in results.versions.items()),
        profiles=_profiles(results),
        missing=_missing(results),
        numbers=_numbers(results),
    )


def _profiles(results: Results) -> str:
    titles = {case.name: case.title for case in CASES}
    return "\n\n".join(
        f"### {titles[name]}\n\n"
        + table.markdown(
            ["function, or library", "%"], [[f"`{what}`", number(part)] for what, part in rows]
        )
        for name, rows in results.profiles.items()
    )


def _missing(results: Results) -> str:
    lines = [f"- {name}: {reason}" for name, reason in results.absent.items()]
    lines += [f"- failed: {failure}" for failure in results.failures]
    return "\n".join(lines) or "Everything was measured."


def _numbers(results: Results) -> str:
    return "\n\n".join(
        f"### {case.label}\n\n" + table.markdown(table.headings(case), table.rows(results, case))
        for case in table.measured(results)
    )
