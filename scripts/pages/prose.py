"""Docstrings as this project writes them: prose, `name: what it is`, `Raises: whatever it does`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RAISES: Final = re.compile(r"(?:^|(?<=\. ))Raises: ")


@dataclass(frozen=True, slots=True)
class Prose:
    """Hold what a docstring says.

    text: its paragraphs. about: what each name stands for. raises: the errors, and what they mean.
    """

    text: str
    about: Mapping[str, str]
    raises: str


def read(docstring: str, names: Collection[str]) -> Prose:
    """Return what a docstring says. names: those that may stand before a colon."""
    texts: list[str] = []
    about: dict[str, str] = {}
    errors: list[str] = []
    for paragraph in cleandoc(docstring).split("\n\n"):
        line, *raises = RAISES.split(" ".join(paragraph.split("\n")))
        head, *named = _labels(names).split(line)
        # Lists and code keep their lines.
        texts.append(head.strip() if named or raises else paragraph)
        for label, text in zip(named[::2], named[1::2], strict=True):
            about |= dict.fromkeys(label.split(", "), text.strip())
        errors += raises
    return Prose("\n\n".join(filter(None, texts)), about, " ".join(errors).strip())


def _labels(names: Collection[str]) -> re.Pattern[str]:
    """Return what finds one of the names, or several, before a colon at the start of a sentence."""
    name = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(rf"(?:^|(?<=\. ))((?:{name})(?:, (?:{name}))*): ")
