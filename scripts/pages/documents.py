"""The repository's own documents as pages of the site."""

from __future__ import annotations

import re
from typing import Final

from scripts import ROOT

MARKER: Final = re.compile(r"^<!-- (document|changelog): (\S+) -->$", re.MULTILINE)
LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"^(?=#+ )", re.MULTILINE)


def documents_in(page: str) -> list[str]:
    """Return the documents that a page is made of."""
    return [path for _, path in MARKER.findall(page)]


def with_documents(page: str) -> str:
    """Return a page with its documents in their places."""
    return MARKER.sub(lambda marker: _document(marker[1], marker[2]), page)


def _document(kind: str, path: str) -> str:
    """Return a document without its title; a changelog, of several on one page, a level lower."""
    _, _, text = LINK.sub(_mended, (ROOT / path).read_text()).partition("\n\n")
    if kind == "changelog":
        text = HEADING.sub("#", text[text.index("## ") :])
    return text.strip()


def _mended(link: re.Match[str]) -> str:
    """Return a link to a page as it is on the site; other files of the repository are not there."""
    text, target = link.groups()
    if "://" in target or target.startswith("#"):
        return link[0]
    return f"[{text}]({target.removeprefix('docs/')})" if target.startswith("docs/") else text
