"""What the documentation shows is true: its code runs, and prints what it says."""

import re
import sysconfig
import traceback

import pytest

from scripts.pages.documents import with_documents
from tests.docs.blocks import ROOT, Page, Wrong
from tests.docs.page import run_page
from tests.docs.translation import differences

DOCS = ROOT / "docs"
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
ENGLISH = sorted(str(path.relative_to(ROOT)) for path in DOCS.rglob("*.md") if "." not in path.stem)
READMES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "benchmarks/README.md", "examples/**/*.md", "packages/*/*.md")
    for path in ROOT.glob(pattern)
)
FOLLOWED = {"docs/tutorial.md"}
"""Pages that have a test of their own, which installs what they say."""


@pytest.mark.parametrize("page", [page for page in READMES + ENGLISH if page not in FOLLOWED])
def test_the_blocks_of_a_page_run(page, tmp_path):
    failure = None
    try:
        run_page(Page.read(ROOT / page), tmp_path)
    except Wrong as wrong:
        failure = f"{wrong}\n{trace_of(wrong.__cause__)}"
    if failure is not None:
        pytest.fail(failure, pytrace=False)


@pytest.mark.parametrize("page", ENGLISH)
def test_a_page_and_its_translation_show_the_same(page):
    translation = (ROOT / page).with_suffix(".pt-BR.md")
    if not translation.exists():
        pytest.fail(f"{page} has no translation: {translation.name} is missing", pytrace=False)
    wrong = list(differences(whole(ROOT / page), whole(translation)))
    if wrong:
        pytest.fail("\n".join(map(str, wrong)), pytrace=False)


def whole(path):
    """Read a page with the repository's documents that it shows."""
    text = FRONT_MATTER.sub("", path.read_text())
    return Page.parse(str(path.relative_to(ROOT)), with_documents(text))


def trace_of(error):
    """Tell how code came to raise, less the machinery that ran it."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    machinery = (sysconfig.get_path("stdlib"), str(ROOT / "tests"), "<frozen")
    kept = [frame for frame in frames if not frame.filename.startswith(machinery)]
    return trace_of(error.__cause__) + "".join(traceback.format_list(kept))
