"""The built site: its pages, and what their HTML says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
BUILT: Final = ROOT / "site"
DEFAULT: Final = "en"
LANGUAGES: Final = (DEFAULT, "pt-BR")
INDEX: Final = "index.html"
MISSING: Final = "404.html"


@dataclass(frozen=True)
class Source:
    """Hold what the HTML of a page says.

    switch: where its language switch leads, by language. diagrams: how many there are.
    """

    language: str
    title: str
    headings: int
    diagrams: int
    ids: frozenset[str]
    links: tuple[str, ...]
    switch: dict[str, str]


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
    def source(self) -> Source:
        """Return what its HTML says."""
        reader = _Reader()
        reader.feed((self.root / self.path).read_text())
        reader.close()
        return reader.source()


def pages(root: Path = BUILT) -> list[Page]:
    """Return the pages of a site, in order."""
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.html"))
    return [Page(root, path) for path in found]


class _Reader(HTMLParser):
    """Gather what `Source` holds."""

    def __init__(self) -> None:
        super().__init__()
        self._language = ""
        self._title: list[str] = []
        self._counts = {"h1": 0, "pre.mermaid": 0}
        self._ids: set[str] = set()
        self._links: list[str] = []
        self._switch: dict[str, str] = {}
        self._in_title = False

    def source(self) -> Source:
        return Source(
            language=self._language,
            title="".join(self._title).strip(),
            headings=self._counts["h1"],
            diagrams=self._counts["pre.mermaid"],
            ids=frozenset(self._ids),
            links=tuple(self._links),
            switch=self._switch,
        )

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        # An SVG has titles too; the page's own comes first.
        self._in_title = tag == "title" and not self._title
        if tag == "html":
            self._language = given.get("lang", "")
        kind = f"{tag}.mermaid" if "mermaid" in given.get("class", "").split() else tag
        if kind in self._counts:
            self._counts[kind] += 1
        if "id" in given:
            self._ids.add(given["id"])
        self._links += [given[name] for name in ("href", "src") if name in given]
        if tag == "a" and "hreflang" in given:
            self._switch[given["hreflang"]] = given["href"]

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
