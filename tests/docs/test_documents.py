"""The repository's documents stand on pages as they would have been written there."""

import pytest

from scripts.pages import documents
from scripts.pages.documents import documents_in, with_documents


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    return tmp_path


def test_a_document_is_there_without_its_title(root):
    (root / "A.md").write_text("# A\n\nText.\n\n## Part\n")
    page = "# Page\n\n<!-- document: A.md -->\n"
    assert with_documents(page) == "# Page\n\nText.\n\n## Part\n"
    assert documents_in(page) == ["A.md"]


def test_links_lead_to_pages_or_are_none(root):
    links = "[page](docs/x.md#y), [file](scripts/run.py), [web](https://x.org/), [part](#p)"
    (root / "A.md").write_text(f"# A\n\n{links}\n")
    shown = "[page](x.md#y), file, [web](https://x.org/), [part](#p)"
    assert with_documents("<!-- document: A.md -->") == shown


def test_changelogs_are_a_level_lower(root):
    (root / "C.md").write_text("# Changelog\n\nThe format.\n\n## [1.0.0]\n\n### Added\n\n- Much.\n")
    assert with_documents("<!-- changelog: C.md -->") == "### [1.0.0]\n\n#### Added\n\n- Much."
