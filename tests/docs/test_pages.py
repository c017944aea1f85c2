"""Each page of the documentation is there in both languages, and says the same in both."""

import re

import pytest

from scripts import ROOT
from scripts.pages.catalogue import digest
from scripts.pages.documents import documents_in, with_documents
from scripts.pages.languages import in_portuguese, missing

DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
ENGLISH = [page for page in PAGES if not page.endswith(".pt-BR.md")]

FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
TRANSLATED = re.compile(r"^  (\S+): (\w+)$", re.MULTILINE)
OBJECT = re.compile(r"^::: .*\n(?: +.*\n)*", re.MULTILINE)


def test_every_page_is_there_in_both_languages():
    assert missing(PAGES) == []


def test_a_page_in_one_language_alone_is_missing_in_the_other():
    assert missing(["a.md", "a.pt-BR.md", "b.md"]) == ["b.pt-BR.md"]
    assert missing(["b/c.pt-BR.md", "picture.svg"]) == ["b/c.md"]


@pytest.fixture(params=ENGLISH)
def texts(request):
    """The text of a page in both languages."""
    pages = (request.param, in_portuguese(request.param))
    return [with_documents((DOCS / page).read_text()) for page in pages]


@pytest.mark.parametrize("page", ENGLISH)
def test_what_is_translated_has_not_changed_since(page):
    documents = documents_in((DOCS / page).read_text())
    front_matter = FRONT_MATTER.match((DOCS / in_portuguese(page)).read_text())
    translated = dict(TRANSLATED.findall(front_matter[0])) if front_matter else {}
    assert translated == {path: digest((ROOT / path).read_text()) for path in documents}


def test_a_page_tells_of_the_same_objects_in_both_languages(texts):
    english, portuguese = (OBJECT.findall(text) for text in texts)
    assert english == portuguese
