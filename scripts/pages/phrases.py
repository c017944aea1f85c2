"""Translations of what commands write into pages: the drills and the benchmark."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Phrases:
    """Translate whole texts: a text that is not in it stays as it is."""

    texts: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of TOML whose tables hold texts with their translations.

        Raises: ValueError, for a text that is in it twice.
        """
        texts: dict[str, str] = {}
        for name, table in tomllib.loads(path.read_text()).items():
            twice = texts.keys() & table.keys()
            if twice:
                raise ValueError(f"{path.name}: [{name}] repeats {', '.join(sorted(twice))}")
            texts |= table
        return cls(texts)

    def __call__(self, text: str) -> str:
        """Return the translation of a text."""
        return self.texts.get(text, text)

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return those that are not in it."""
        return sorted(set(texts) - self.texts.keys())


def figures(text: str) -> str:
    """Write the numbers of a text as Portuguese has them: 1.492,5 rather than 1,492.5."""
    return text.translate(_SWAPPED)


_SWAPPED = str.maketrans(",.", ".,")
