"""Each page of the documentation is there in both languages, and says the same in both."""

import re
from pathlib import Path

import pytest

from scripts.pages.languages import in_portuguese, missing

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
ENGLISH = [page for page in PAGES if not page.endswith(".pt-BR.md")]

FENCED = re.compile(r"^( *)(`{3,}).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) .*?(\{ *#\S+ *\})?$", re.MULTILINE)
OBJECT = re.compile(r"^::: .*\n(?: +.*\n)*", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_every_page_is_there_in_both_languages():
    assert missing(PAGES) == []


def test_a_page_in_one_language_alone_is_missing_in_the_other():
    assert missing(["a.md", "a.pt-BR.md", "b.md"]) == ["b.pt-BR.md"]
    assert missing(["b/c.pt-BR.md", "picture.svg"]) == ["b/c.md"]


@pytest.fixture(params=ENGLISH)
def texts(request):
    """The text of a page in both languages."""
    return [(DOCS / page).read_text() for page in (request.param, in_portuguese(request.param))]


def test_a_page_has_the_same_headings_in_both_languages(texts):
    english, portuguese = (HEADING.findall(FENCED.sub("", text)) for text in texts)
    assert english == portuguese


def test_a_page_has_the_same_blocks_in_both_languages(texts):
    english, portuguese = ([block[0] for block in FENCED.finditer(text)] for text in texts)
    assert english == portuguese


def test_a_page_tells_of_the_same_objects_in_both_languages(texts):
    english, portuguese = (OBJECT.findall(text) for text in texts)
    assert english == portuguese


def test_a_page_links_to_the_same_places_in_both_languages(texts):
    english, portuguese = (sorted(LINK.findall(FENCED.sub("", text))) for text in texts)
    assert english == portuguese
