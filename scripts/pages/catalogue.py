"""Portuguese for what the site takes from the code, by the name of what it describes."""

from __future__ import annotations

import hashlib
import logging
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, TypedDict

CATALOGUE: Final = Path(__file__).with_name("portuguese.toml")
ENGLISH: Final = "en"

log = logging.getLogger("mkdocs.catalogue")


class Entry(TypedDict):
    """Hold a translation. of: the digest of the English that it is made from."""

    of: str
    text: str


@cache
def catalogue() -> dict[str, Entry]:
    """Return all translations."""
    entries: dict[str, Entry] = tomllib.loads(CATALOGUE.read_text())
    return entries


def digest(text: str) -> str:
    """Return what stands for a text, however its lines are broken."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]


def translated(key: str, english: str, language: str) -> str:
    """Return a text in a language; warn, which fails the build, where there is none as new."""
    if language == ENGLISH:
        return english
    entry = catalogue().get(key)
    if entry is None or entry["of"] != digest(english):
        problem = "is missing" if entry is None else "is older than its English"
        log.warning("%s: the translation %s (of = %r)", key, problem, digest(english))
        return english
    return entry["text"]
