"""Whether a page says the same in two languages, as far as code can tell."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.docs.blocks import Block, Heading, Page, Wrong

ARROW = re.compile(r"-->>|->>|--x|-->")


def differences(english: Page, other: Page) -> Iterator[Wrong]:
    """Return how a translation differs from its page in code, headings and links."""
    yield from _blocks(english, other)
    yield from _headings(english, other)
    links = set(english.links), set(other.links)
    for link in sorted(links[0] - links[1]):
        yield Wrong(other.name, 1, f"the link to {link} is missing")
    for link in sorted(links[1] - links[0]):
        yield Wrong(other.name, 1, f"the link to {link} is not in {english.name}")


def _blocks(english: Page, other: Page) -> Iterator[Wrong]:
    for one, two in zip_longest(english.blocks, other.blocks):
        if one is None or two is None:
            yield _unpaired(english, other, one, two, "block")
            return
        for name, values in _parts(one, two).items():
            if values[0] != values[1]:
                where = f"where {english.name}:{one.line} has {values[0]!r}"
                yield Wrong(other.name, two.line, f"{name} {values[1]!r}, {where}")
        if one.language != "text":
            yield from _lines(english, other, one, two)


def _parts(one: Block, two: Block) -> dict[str, tuple[Any, Any]]:
    """Return what two blocks should have in common."""
    return {
        "the language": (one.language, two.language),
        "the title": (one.title, two.title),
        "the exit code": (one.directive.code, two.directive.code),
        "the text waited for": (one.directive.until, two.directive.until),
        "not being run": (one.directive.reason is None, two.directive.reason is None),
    }


def _lines(english: Page, other: Page, one: Block, two: Block) -> Iterator[Wrong]:
    """Return the first line that differs."""
    pairs = zip_longest(_untranslated(one), _untranslated(two))
    for number, (line, translated) in enumerate(pairs, start=1):
        if line != translated:
            where = f"where {english.name}:{one.line + number} has {line!r}"
            yield Wrong(other.name, two.line + number, f"the line {translated!r}, {where}")
            return


def _untranslated(block: Block) -> list[str]:
    """Return what is equal in both languages; of a diagram these are the arrows."""
    if block.language == "mermaid":
        return [" ".join(ARROW.findall(line)) for line in block.content.splitlines()]
    return block.content.splitlines()


def _headings(english: Page, other: Page) -> Iterator[Wrong]:
    for one, two in zip_longest(english.headings, other.headings):
        if one is None or two is None:
            yield _unpaired(english, other, one, two, "heading")
            return
        if (one.level, one.id) != (two.level, two.id):
            shown = [f"{'#' * heading.level} {{ #{heading.id} }}" for heading in (one, two)]
            where = f"{english.name}:{one.line} has {shown[0]!r}"
            yield Wrong(other.name, two.line, f"the heading {shown[1]!r}, where {where}")


def _unpaired(
    english: Page,
    other: Page,
    one: Block | Heading | None,
    two: Block | Heading | None,
    what: str,
) -> Wrong:
    page, found = (other, two) if one is None else (english, one)
    assert found is not None
    return Wrong(page.name, found.line, f"this {what} is in one language alone")
