"""Paths as documents have them: parameters without their patterns, each path under one spelling."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

PARAMETER: Final = re.compile(
    r"\{(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)(?::(?P<pattern>(?:[^{}]|\{[^{}]*\})+))?\}"
)


class Template(NamedTuple):
    """Hold a path.

    text: with each parameter as `{name}`. names: what the document calls each parameter of the
    handler's. patterns: which of them must match what.
    """

    text: str
    names: dict[str, str]
    patterns: dict[str, str]


class Templates:
    """Make templates: paths that differ in their parameters' names alone are one path."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def of(self, path: str) -> Template:
        """Return the template of a path as aiohttp has it."""
        found = list(PARAMETER.finditer(path))
        own = [one["name"] for one in found]
        names = self._known.setdefault(PARAMETER.sub("{}", path), own)
        each = iter(names)
        text = PARAMETER.sub(lambda _: f"{{{next(each)}}}", path)
        patterns = {one["name"]: one["pattern"] for one in found if one["pattern"]}
        return Template(text, dict(zip(own, names, strict=True)), patterns)
