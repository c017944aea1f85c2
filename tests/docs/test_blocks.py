"""What the documentation shows is true: its code runs, and prints what it says."""

import re

import pytest

from scripts.pages.documents import with_documents
from tests.docs.blocks import ROOT, Page
from tests.docs.page import run_page
from tests.docs.reporting import reported
from tests.docs.translation import differences

DOCS = ROOT / "docs"
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
ENGLISH = sorted(str(path.relative_to(ROOT)) for path in DOCS.rglob("*.md") if "." not in path.stem)
READMES = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "*.md",
        "benchmarks/README.md",
        "examples/**/*.md",
        "packages/*/*.md",
        "tests/docs/*.md",
    )
    for path in ROOT.glob(pattern)
)
FOLLOWED = {"docs/tutorial.md"}
"""Pages that have a test of their own, which installs what they say."""


@pytest.mark.usefixtures("curl")
@pytest.mark.parametrize("page", [page for page in READMES + ENGLISH if page not in FOLLOWED])
def test_the_blocks_of_a_page_run(page, tmp_path):
    with reported():
        run_page(Page.read(ROOT / page), tmp_path)


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
