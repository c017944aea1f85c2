"""The built site: its pages, and what their HTML says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lxml import html

from scripts import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BUILT: Final = ROOT / "site"
DEFAULT: Final = "en"
LANGUAGES: Final = (DEFAULT, "pt-BR")
INDEX: Final = "index.html"
MISSING: Final = "404.html"


@dataclass(frozen=True)
class Page:
    """Be a page of the site. path: its file, from the root of the site."""

    root: Path = field(repr=False, compare=False)
    path: str

    @property
    def url(self) -> str:
        """Return its address on the site."""
        return self.path.removesuffix(INDEX)

    @property
    def is_anywhere(self) -> bool:
        """Return whether it is the page for missing pages, whose address is any that is wrong."""
        return self.path.endswith(MISSING)

    @property
    def base(self) -> str:
        """Return where its links start."""
        return "/no/such/page/" if self.is_anywhere else f"/{self.url}"

    @property
    def language(self) -> str:
        """Return the language that it should have."""
        folder = self.path.partition("/")[0]
        return folder if folder in LANGUAGES else DEFAULT

    def in_language(self, language: str) -> str:
        """Return the path of the same page in a language; from a missing one, of the first."""
        path = INDEX if self.is_anywhere else self.path.removeprefix(f"{self.language}/")
        return path if language == DEFAULT else f"{language}/{path}"

    @cached_property
    def document(self) -> Any:
        """Return the element that its HTML is."""
        return html.document_fromstring((self.root / self.path).read_text())

    @cached_property
    def ids(self) -> frozenset[str]:
        """Return the places that a link can lead to."""
        return frozenset(self.document.xpath("//@id"))

    @property
    def diagrams(self) -> int:
        """Return how many there are to be drawn."""
        return sum("mermaid" in block.classes for block in self.document.iter("pre"))


def pages(root: Path = BUILT) -> list[Page]:
    """Return the pages of a site, in order."""
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.html"))
    return [Page(root, path) for path in found]
