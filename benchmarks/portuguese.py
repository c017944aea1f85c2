"""The report in Portuguese: its texts and numbers, and its charts."""

import re
from html import escape, unescape
from pathlib import Path
from typing import Final

from scripts.pages.phrases import Phrases, figures

PHRASES: Final = Phrases.read(Path(__file__).with_name("portuguese.toml"))

NUMBERS: Final = re.compile(r"(?!\d+\.\d+\.\d+$)[\d.,–() ]+")
"""What holds figures alone, and is no version: a value, or a median with the least and the most."""
TARGET: Final = re.compile(r"(?P<how>at most|at least) (?P<limit>[\d.]+) × (?P<peer>.+)")
COUNTED: Final = re.compile(r"(?P<count>\d+) (?P<what>rounds?)")
TEXT: Final = re.compile(r"(?P<before><(?:text|title)\b[^>]*>)(?P<text>[^<]*)")


def chart(svg: str, phrases: Phrases = PHRASES) -> str:
    """Translate the texts of a chart."""

    def translated(found: re.Match[str]) -> str:
        return found["before"] + escape(words(unescape(found["text"]), phrases))

    return TEXT.sub(translated, svg)


def words(text: str, phrases: Phrases = PHRASES) -> str:
    """Translate a text, or write a number as Portuguese has it; leave alone what is a name."""
    if text in phrases.texts:
        return phrases(text)
    if NUMBERS.fullmatch(text):
        return figures(text)
    if found := TARGET.fullmatch(text):
        how, peer = (words(found[name], phrases) for name in ("how", "peer"))
        return f"{how} {figures(found['limit'])} × {peer}"
    if found := COUNTED.fullmatch(text):
        return f"{found['count']} {words(found['what'], phrases)}"
    return _parts(text, phrases)


def _parts(text: str, phrases: Phrases) -> str:
    """Translate what is before a colon and what is behind it, wherever both are known."""
    for found in re.finditer(": ", text):
        before, behind = text[: found.start()], text[found.end() :]
        if before in phrases.texts:
            return f"{phrases(before)}: {words(behind, phrases)}"
    return text
