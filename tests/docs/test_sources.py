"""What pages and READMEs say of the sources is there: files, wings, and what links lead to."""

import re

import pytest

from tests.docs.blocks import ROOT, Page

DOCUMENTS = ["README.md", "CONTRIBUTING.md"]
CONCEPTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs/concepts").glob("*.md"))
INSIDE = ["docs/concepts/inside.md", "docs/concepts/inside.pt-BR.md"]
FILE = re.compile(r"[\w/-]+\.py")
SOURCES = [path.as_posix() for path in ROOT.glob("packages/*/src/**/*.py")]
WINGS = sorted(
    path.parent.name
    for package in ("core", "rabbitmq", "sse", "http", "utils-timeit")
    for path in ROOT.glob(f"packages/{package}/src/asyncworker/**/__init__.py")
    if path.parent.name not in {"asyncworker", "rabbitmq", "sse", "http", "utils", "scaffold"}
)


@pytest.mark.parametrize("page", DOCUMENTS + CONCEPTS)
def test_the_files_that_a_page_names_are_there(page):
    named = {span.content for span in Page.read(ROOT / page).spans if FILE.fullmatch(span.content)}
    assert [name for name in sorted(named) if not is_there(name)] == []


@pytest.mark.parametrize("page", INSIDE)
def test_each_wing_is_on_the_page_that_shows_them(page):
    shown = [span.content for span in Page.read(ROOT / page).spans]
    assert [wing for wing in WINGS if f"{wing}/" not in shown] == []
    assert [one for one in shown if re.fullmatch(r"[a-z]+/", one) and one[:-1] not in WINGS] == [
        "packages/"
    ]


@pytest.mark.parametrize("page", DOCUMENTS)
def test_links_of_a_document_lead_to_what_is_there(page):
    links = {link.partition("#")[0] for link in Page.read(ROOT / page).links}
    assert [link for link in sorted(links) if not (ROOT / link).exists()] == []


def is_there(name):
    return (ROOT / name).exists() or any(source.endswith(f"/{name}") for source in SOURCES)
