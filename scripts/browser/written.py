"""What can be wrong with pages as they are written, before any browser shows them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urljoin, urlsplit

from scripts.browser.site import INDEX, LANGUAGES, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def headings(pages: Sequence[Page]) -> Iterator[str]:
    """Tell of pages that have no title, or several."""
    for page in pages:
        count = len(page.document.findall(".//h1"))
        if count != 1:
            yield f"{page.path}: {count} headings of level 1"


def languages(pages: Sequence[Page]) -> Iterator[str]:
    """Tell of pages that claim to be in another language than they are."""
    for page in pages:
        language = page.document.get("lang", "")
        if language != page.language:
            yield f"{page.path}: its language is {language!r}"


def titles(pages: Sequence[Page]) -> Iterator[str]:
    """Tell of titles, as tabs and bookmarks show them, that several pages of a language have."""
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    for page in pages:
        named[page.language, page.document.findtext("head/title", "").strip()].append(page.path)
    for (_, title), paths in named.items():
        if not title or len(paths) > 1:
            yield f"{', '.join(paths)}: the title is {title!r}"


def switches(pages: Sequence[Page]) -> Iterator[str]:
    """Tell of language switches that lead elsewhere than to the same page."""
    for page in pages:
        switch = {link.get("hreflang"): link.get("href") for link in page.document.iter("a")}
        for language in LANGUAGES:
            link = switch.get(language)
            target = None if link is None else _target(page, link)[0]
            if target != page.in_language(language):
                yield f"{page.path}: its switch to {language} leads to {target}"


def links(pages: Sequence[Page]) -> Iterator[str]:
    """Tell of links to pages, places and files of the site that are not there."""
    by_path = {page.path: page for page in pages}
    for page in pages:
        for link in sorted(set(page.document.xpath("//@href | //@src"))):
            if urlsplit(link).scheme:
                continue
            if link.startswith("/") and not page.is_anywhere:
                yield f"{page.path}: {link} does not lead there from a folder of a host"
            if not _leads(page, link, by_path):
                yield f"{page.path}: nothing is at {link}"


CHECKS: Final[dict[str, Callable[[Sequence[Page]], Iterator[str]]]] = {
    check.__name__: check for check in (headings, languages, titles, switches, links)
}


def _leads(page: Page, link: str, by_path: Mapping[str, Page]) -> bool:
    path, place = _target(page, link)
    if not (page.root / path).is_file():
        return False
    return not place or path not in by_path or place in by_path[path].ids


def _target(page: Page, link: str) -> tuple[str, str]:
    """Return the file that a link leads to, and the place in it."""
    parts = urlsplit(urljoin(page.base, link))
    path = unquote(parts.path).removeprefix("/")
    return (f"{path}{INDEX}" if not path or path.endswith("/") else path), unquote(parts.fragment)
