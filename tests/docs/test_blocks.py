"""What the documentation shows is true: its code runs, and prints what it says."""

import traceback

import pytest

from tests.docs.blocks import ROOT, Page, Wrong
from tests.docs.page import run_page

DOCS = ROOT / "docs"
ENGLISH = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "." not in path.stem)


@pytest.mark.parametrize("page", ENGLISH)
def test_the_blocks_of_a_page_run(page, tmp_path):
    failure = None
    try:
        run_page(Page.read(DOCS / page), tmp_path)
    except Wrong as wrong:
        failure = f"{wrong}\n{trace_of(wrong.__cause__)}"
    if failure is not None:
        pytest.fail(failure, pytrace=False)


def trace_of(error):
    """Tell how code came to raise, less the machinery that ran it."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    machinery = ("importlib", str(ROOT / "tests"))
    kept = [frame for frame in frames if not any(one in frame.filename for one in machinery)]
    return "".join(traceback.format_list(kept))
