"""The page that shows what the drills and the soaks came to, from the runs that were kept.

python -m tests.faults.report docs/reliability.md writes it, and its Portuguese one.
"""

import sys
from collections.abc import Collection
from pathlib import Path

from tests.faults import marks, portuguese, table
from tests.faults.run import RESULTS, Run
from tests.soak.summary import Summary, markdown

ORDER = "In each cell stand the values of these runs, in this order; one is for all:"


def text(runs: Collection[Run], soaks: Collection[Summary]) -> str:
    """Return what stands between the marks of the page."""
    origins = "\n".join(f"- {run}" for run in runs)
    parts = [ORDER, origins, table.markdown([run.rows for run in runs])]
    if soaks:
        parts.append(f"### Soak\n\n{markdown(soaks)}")
    return "\n" + "\n\n".join(part.rstrip() for part in parts) + "\n\n"


def kept(folder: Path = RESULTS) -> str:
    """Return what the runs that were kept come to."""
    return text(Run.all(folder), Summary.all(folder))


def main(page: Path) -> None:
    """Write both pages."""
    if not marks.has_place(page):
        lines = f"{marks.BEGIN}{marks.END}".splitlines()
        sys.exit(f"{page}: no page with the lines {' and '.join(lines)}")
    marks.put_run(page, kept())
    portuguese.write(page)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
