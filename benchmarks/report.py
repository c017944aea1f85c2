"""docs/performance.md and its charts, in both languages: report.md, filled with results."""

from pathlib import Path
from string import Template
from typing import Final

from benchmarks import portuguese, table
from benchmarks.cases import CASES
from benchmarks.figures import FIGURES
from benchmarks.results import Results
from benchmarks.units import number
from scripts.pages.languages import in_portuguese

TEMPLATE: Final = Path(__file__).with_name("report.md")
BROKERS: Final = Path(__file__).with_name("brokers")
"""Where runs on several brokers are kept, a file each."""
PAGE: Final = "performance.md"
CHARTS: Final = "performance"
NOTHING: Final = "*Not measured in this run.*"
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
    parts = _parts(results, [name for name, svg in drawn.items() if svg])
    page = folder / PAGE
    page.write_text(_filled(TEMPLATE, parts))
    translated = {name: portuguese.page(part) for name, part in parts.items()}
    template = Path(in_portuguese(str(TEMPLATE)))
    Path(in_portuguese(str(page))).write_text(_filled(template, translated))
    return page


def _put(chart: Path, svg: str) -> None:
    """Write a chart, or take an older one away."""
    if svg:
        chart.write_text(svg)
    else:
        chart.unlink(missing_ok=True)


def _filled(template: Path, parts: dict[str, str]) -> str:
    return Template(template.read_text()).substitute(parts)


def _parts(results: Results, drawn: list[str]) -> dict[str, str]:
    """Return what the template is filled with.

    drawn: the names of the charts that there are.
    """
    titles = {figure.name: f"{figure.title}: {figure.unit}" for figure in FIGURES}
    figures = {
        f"figure_{name.replace('-', '_')}": f"![{title}]({CHARTS}/{name}.svg)"
        if name in drawn
        else NOTHING
        for name, title in titles.items()
    }
    return figures | {
        "taken": results.taken,
        "rounds": f"{results.rounds} round{'s' if results.rounds > 1 else ''}",
        "verdicts": table.markdown(table.VERDICTS, table.verdict_rows(results)),
        "brokers": _brokers(),
        "machine": table.markdown(["", ""], [list(pair) for pair in results.machine.items()]),
        "versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "profiles": _profiles(results),
        "missing": _missing(results),
        "numbers": _numbers(results),
    }


def _brokers() -> str:
    runs = [Results.read(path) for path in sorted(BROKERS.glob("*.json"))]
    return table.markdown(table.broker_headings(runs), table.broker_rows(runs))


def _profiles(results: Results) -> str:
    titles = {case.name: case.title for case in CASES}
    return "\n\n".join(
        f"### {titles[name]}\n\n"
        + table.markdown(PROFILE, [[f"`{what}`", number(part)] for what, part in rows])
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
