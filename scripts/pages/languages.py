"""The languages of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PORTUGUESE: Final = ".pt-BR.md"


def in_portuguese(page: str) -> str:
    """Return where the Portuguese of an English page is."""
    return page.removesuffix(".md") + PORTUGUESE


def missing(pages: Iterable[str]) -> list[str]:
    """Return the pages that are there in one language alone: those of the other."""
    there = {page for page in pages if page.endswith(".md")}
    english = {page.removesuffix(PORTUGUESE).removesuffix(".md") + ".md" for page in there}
    both = english | {in_portuguese(page) for page in english}
    return sorted(both - there)
