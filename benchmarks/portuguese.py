"""The report in Portuguese: its texts and numbers, and its charts."""

import re
from html import escape, unescape
from pathlib import Path
from typing import Final

from scripts.pages.phrases import Phrases, figures

PHRASES: Final = Phrases.read(Path(__file__).with_name("portuguese.toml"))

NUMBERS: Final = re.compile(r"[\d.,–() ]+")
"""What holds figures alone: a value, or a median with the least and the most."""
TARGET: Final = re.compile(r"(?P<how>at most|at least) (?P<limit>[\d.]+) × (?P<peer>.+)")
COUNTED: Final = re.compile(r"(?P<count>\d+) (?P<what>rounds?)")
TEXT: Final = re.compile(r"(?P<before><(?:text|title)\b[^>]*>)(?P<text>[^<]*)")


def chart(svg: str) -> str:
    """Translate the texts of a chart."""

    def translated(found: re.Match[str]) -> str:
        return found["before"] + escape(words(unescape(found["text"])))

    return TEXT.sub(translated, svg)


def words(text: str) -> str:
    """Translate a text, or write a number as Portuguese has it; leave alone what is a name."""
    if text in PHRASES.texts:
        return PHRASES(text)
    if NUMBERS.fullmatch(text):
        return figures(text)
    if found := TARGET.fullmatch(text):
        return f"{words(found['how'])} {figures(found['limit'])} × {words(found['peer'])}"
    if found := COUNTED.fullmatch(text):
        return f"{found['count']} {words(found['what'])}"
    return _parts(text)


def _parts(text: str) -> str:
    """Translate what is before a colon and what is behind it, wherever both are known."""
    for found in re.finditer(": ", text):
        before, behind = text[: found.start()], text[found.end() :]
        if before in PHRASES.texts:
            return f"{PHRASES(before)}: {words(behind)}"
    return text
