"""The place of a page that a run of the drills is written into."""

from pathlib import Path

BEGIN = "<!-- drills: begin -->\n"
END = "<!-- drills: end -->\n"


def has_place(page: Path) -> bool:
    """Tell whether a page is there, with a place for a run."""
    return page.exists() and END in page.read_text().partition(BEGIN)[2]


def run_of(page: Path) -> str:
    """Return what stands between the marks of a page."""
    return page.read_text().partition(BEGIN)[2].partition(END)[0]


def put_run(page: Path, run: str) -> None:
    """Put a run between the marks of a page, in place of an older one."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}{run}{END}{after}")
