"""The site is built without a warning, and loads nothing from anywhere else."""

import re
import subprocess

import pytest

from scripts import ROOT

LOADED = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=\"([^\"]+)\"")
SWITCH = re.compile(r"<a href=\"([^\"]+)\" hreflang=\"(?:en|pt-BR)\" class=\"md-select__link\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = ["hatch", "run", "docs:build", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: path.read_text() for path in site.rglob("index.html")}


# The first build makes its environment.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_every_page_leads_to_itself_in_the_other_language(site, pages):
    assert len(pages) > 60
    for path, text in pages.items():
        english, portuguese = ((path.parent / link).resolve() for link in SWITCH.findall(text))
        assert portuguese.relative_to(site / "pt-BR") == english.relative_to(site)
        assert path.parent in (english, portuguese)
        assert {english / "index.html", portuguese / "index.html"} <= pages.keys()


def test_nothing_is_loaded_from_elsewhere(pages):
    loaded = {link for text in pages.values() for link in LOADED.findall(text)}
    assert [link for link in loaded if link.startswith(("http:", "https:", "//"))] == []
    policy = "content=\"default-src 'self';"
    assert [path for path, text in pages.items() if policy not in text] == []


def test_mermaid_is_loaded_where_there_is_a_diagram_alone(site, pages):
    assert (site / "assets" / "javascripts" / "mermaid.js").exists()
    for text in pages.values():
        assert ('class="mermaid"' in text) is ("javascripts/mermaid.js" in text)


def test_no_page_tells_where_it_was_built(pages):
    assert [path for path, text in pages.items() if str(ROOT) in text] == []


def test_what_is_there_for_the_tests_is_not_shown(pages):
    markers = re.compile("<!-- (?:run|table|command|document|changelog):")
    assert [path for path, text in pages.items() if markers.search(text)] == []
