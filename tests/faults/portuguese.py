"""What a run of the drills showed, in Portuguese.

python -m tests.faults.portuguese docs/reliability.md writes it again, from what the page shows.
"""

import re
import sys
from pathlib import Path

from scripts.pages.languages import in_portuguese
from scripts.pages.phrases import Phrases, figures
from tests.faults.marks import has_place, put_run, run_of
from tests.faults.table import BETWEEN

PHRASES = Phrases.read(Path(__file__).with_name("portuguese.toml"))
HEADING = "### "
CELL = re.compile(r"(?<!\\)\|")
FAULT = re.compile(r"(?P<fault>.*?)( \[(?P<case>[^\]]*)\])?")
SENTENCES = (
    (
        re.compile(r"In each cell stand the values of these runs, in this order; one is for all:"),
        "Em cada célula estão os valores destas execuções, nesta ordem; um só vale para todas:",
    ),
    (
        re.compile(r"Run of (.*), on (.*) with (\d+) CPUs: (.*)"),
        r"Execução de \1, em \2 com \3 CPUs: \4",
    ),
    (
        re.compile(r"(\d+) drills; (\d+) kept their promise, (\d+) did not\."),
        r"\1 ensaios; \2 cumpriram a promessa, \3 não.",
    ),
)


def write(page: Path) -> None:
    """Write the run that a page shows into its Portuguese one, where there is a place for it."""
    portuguese = Path(in_portuguese(str(page)))
    if has_place(portuguese):
        put_run(portuguese, translated(run_of(page)))


def translated(run: str) -> str:
    """Return in Portuguese what stands between the marks of an English page."""
    return "".join(map(_line, run.splitlines(keepends=True)))


def _line(line: str) -> str:
    if line.startswith(HEADING):
        return f"{HEADING}{PHRASES(line.removeprefix(HEADING).rstrip())}\n"
    if line.startswith("|"):
        return _row(line)
    for pattern, translation in SENTENCES:
        line = pattern.sub(translation, line)
    return line


def _row(line: str) -> str:
    first, *middle, last = (cell.strip() for cell in CELL.split(line)[1:-1])
    verdict = BETWEEN.join(map(PHRASES, last.split(BETWEEN)))
    cells = [_fault(first), *map(_cell, middle), verdict]
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    """Translate a head; write a number as Portuguese has it."""
    return figures(PHRASES(text))


def _fault(text: str) -> str:
    """Translate the name of a drill, and of its case."""
    whole = PHRASES(text)
    found = FAULT.fullmatch(text)
    if whole != text or found is None or found["case"] is None:
        return whole
    return f"{PHRASES(found['fault'])} [{PHRASES(found['case'])}]"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
