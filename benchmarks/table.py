"""The tables: of every case, and of the targets; as text for a terminal, or as Markdown."""

from benchmarks.cases import CASES, Case
from benchmarks.peers import OURS
from benchmarks.results import Results, Value
from benchmarks.targets import Verdict, verdicts
from benchmarks.units import UNITS, ratio, spread

Rows = list[list[str]]
VERDICTS = ["job", "target", "measured", "verdict"]


def table(results: Results) -> str:
    """Return all that a terminal is shown."""
    parts = [text(case.label, headings(case), rows(results, case)) for case in measured(results)]
    if any(verdict.ratio for verdict in verdicts(results)):
        parts.append(text("Targets", VERDICTS, verdict_rows(results)))
    parts += [f"{name}: not measured: {reason}" for name, reason in results.absent.items()]
    parts += [f"failed: {failure}" for failure in results.failures]
    return "\n\n".join(parts)


def measured(results: Results) -> list[Case]:
    """Return the cases that there are results of."""
    return [case for case in CASES if results.peers(case.name)]


def headings(case: Case) -> list[str]:
    """Return what the columns of a case are."""
    return ["", *(UNITS[metric] for metric in case.metrics), f"÷ {OURS}"]


def rows(results: Results, case: Case) -> Rows:
    """Return a line for each peer of a case: its metrics, and how many times ours it takes."""
    main = case.metrics[0]
    found = []
    for peer in results.peers(case.name):
        cells = [spread(results.spread(Value(case.name, peer, metric))) for metric in case.metrics]
        theirs, ours = Value(case.name, peer, main), Value(case.name, OURS, main)
        times = "" if peer == OURS else spread(results.ratio(theirs, ours))
        found.append([peer, *cells, times])
    return found


def verdict_rows(results: Results) -> Rows:
    """Return a line for each target."""
    return [
        [verdict.target.job, verdict.target.words, ratio(verdict.ratio), verdict.words]
        for verdict in verdicts(results)
    ]


def broker_headings(runs: list[Results]) -> list[str]:
    """Return what the columns are of runs on several brokers."""
    return [*VERDICTS[:2], *map(_where, runs)]


def broker_rows(runs: list[Results]) -> Rows:
    """Return a line for each target that was measured in all of the runs."""
    return [
        [one.target.job, one.target.words, *(ratio(verdict.ratio) for verdict in (one, *others))]
        for one, *others in zip(*map(verdicts, runs), strict=True)
        if all(map(_is_measured, (one, *others)))
    ]


def _where(run: Results) -> str:
    return f"RabbitMQ {run.machine['RabbitMQ']}, {run.machine['Python']}"


def _is_measured(verdict: Verdict) -> bool:
    return verdict.ratio is not None


def text(title: str, head: list[str], lines: Rows) -> str:
    """Return a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]

    def line(cells: list[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return "  " + "  ".join(padded).rstrip()

    return "\n".join([title, line(head), *map(line, lines)])


def markdown(head: list[str], lines: Rows) -> str:
    """Return a table for a page."""
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))
