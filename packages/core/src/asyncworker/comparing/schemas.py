"""What one schema allows, and another one does not."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.comparing.forms import forms, type_of
from asyncworker.comparing.reading import lists, objects
from asyncworker.comparing.rules import stricter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object

DEEPEST: Final = 40
"""Schemas within schemas that are compared: of what is deeper nobody could read the line."""
LONGEST: Final = 60
"""The most characters of values that are told."""


class Gap(NamedTuple):
    """Name a value that the one schema allows and the other one does not.

    path: to where. kind: what is about it. subject: which values, or which rule.
    """

    path: tuple[str, ...]
    kind: str
    subject: str = ""

    def within(self, name: str) -> Gap:
        """Return the same, seen from the value that has this one under a name."""
        return self._replace(path=(name, *self.path))


class Comparison:
    """Find what schemas of one document allow, and those of another one, the cover, do not.

    cover, covered: the documents. is_sent: whether the cover is an older promise: then what it
    promises must be there, and what comes besides harms nobody.
    """

    def __init__(self, cover: Object, covered: Object, *, is_sent: bool) -> None:
        self._cover = cover
        self._covered = covered
        self._is_sent = is_sent
        # With what was compared, so that no other object gets its identity.
        self._known: dict[tuple[int, int], tuple[Any, Any, list[Gap]]] = {}

    def gaps(self, cover: Any, covered: Any, depth: int = 0) -> list[Gap]:
        """Return all of that; of what is compared already, as of a class within itself, nothing."""
        key = (id(cover), id(covered))
        if key in self._known:
            return self._known[key][2]
        if depth > DEEPEST:
            return []
        self._known[key] = (cover, covered, [])
        covers = forms(cover, self._cover)
        found = [
            gap
            for form in forms(covered, self._covered)
            for gap in self._least(covers, form, depth)
        ]
        self._known[key] = (cover, covered, list(dict.fromkeys(found)))
        return self._known[key][2]

    def _least(self, covers: list[Object], covered: Object, depth: int) -> list[Gap]:
        """Return what is between an alternative and the one of the cover that is nearest to it."""
        nearest: list[Gap] | None = None
        for cover in covers:
            found = list(self._between(cover, covered, depth))
            if not found:
                return []
            is_kin = _is_type(cover.get("type"), covered.get("type"))
            if is_kin and (nearest is None or _distance(found) < _distance(nearest)):
                nearest = found
        if nearest is not None:
            return nearest
        if covered.get("type") is None:
            return [Gap((), "limit", " or ".join(map(_shown, covers)))]
        return [Gap((), "type", _shown(covered))]

    def _between(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        if "enum" in covered:
            yield from _values(cover, lists(covered["enum"]))
            return
        if "enum" in cover:
            yield Gap((), "limit", _values_shown(lists(cover["enum"])))
            return
        if not _is_type(cover.get("type"), covered.get("type")):
            yield Gap((), "type", _shown(covered))
            return
        for rule in stricter(cover, covered):
            yield Gap((), "rule", rule)
        if cover.get("type") == "object":
            yield from self._properties(cover, covered, depth)
        elif cover.get("type") == "array":
            yield from self._items(cover, covered, depth)

    def _properties(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        required = lists(covered.get("required"))
        for name in lists(cover.get("required")):
            if name not in required and not self._is_lost(covered, name):
                yield Gap((str(name),), "required")
        yield from self._known_to_cover(cover, covered, depth)
        yield from self._unknown_to_cover(cover, covered, depth)
        yield from self._others(cover, covered, depth)

    def _known_to_cover(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        own, other = objects(covered.get("properties")), covered.get("additionalProperties")
        for name, schema in objects(cover.get("properties")).items():
            if name in own or isinstance(other, dict):
                yield from _within(name, self.gaps(schema, own.get(name, other), depth + 1))
            elif self._is_lost(covered, name):
                yield Gap((name,), "lost")

    def _unknown_to_cover(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        known, others = objects(cover.get("properties")), cover.get("additionalProperties")
        for name, schema in objects(covered.get("properties")).items():
            if name not in known and isinstance(others, dict):
                yield from _within(name, self.gaps(others, schema, depth + 1))
            elif name not in known and others is False and not self._is_sent:
                yield Gap((name,), "refused")

    def _others(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        others, other = (one.get("additionalProperties") for one in (cover, covered))
        if isinstance(others, dict) and "properties" not in covered:
            inner = other if isinstance(other, dict) else {}
            yield from _within("*", self.gaps(others, inner, depth + 1))
        elif others is False and other is not False and not self._is_sent:
            yield Gap((), "closed")

    def _is_lost(self, covered: Object, name: str) -> bool:
        """Tell whether nothing is said any more of what was promised."""
        return self._is_sent and name not in objects(covered.get("properties"))

    def _items(self, cover: Object, covered: Object, depth: int) -> Iterator[Gap]:
        (first, rest), (other_first, other_rest) = _parts(cover), _parts(covered)
        missing = object()
        pairs = zip_longest(first, other_first, fillvalue=missing)
        for number, (one, other) in enumerate(pairs):
            inner = (rest if one is missing else one), (other_rest if other is missing else other)
            yield from _within(str(number), self.gaps(*inner, depth + 1))
        if not first or "maxItems" not in covered:
            yield from _within("[]", self.gaps(rest, other_rest, depth + 1))


def _distance(gaps: list[Gap]) -> tuple[int, int]:
    """Return how far two alternatives are apart: most, where a value tells that they are others."""
    return sum(gap.kind in ("limit", "type", "values") for gap in gaps), len(gaps)


def _within(name: str, gaps: list[Gap]) -> Iterator[Gap]:
    for gap in gaps:
        yield gap.within(name)


def _values(cover: Object, values: list[Any]) -> Iterator[Gap]:
    if "enum" in cover:
        # As text, for 1 and true would be the same.
        allowed = set(map(json.dumps, lists(cover["enum"])))
        if missing := [value for value in values if json.dumps(value) not in allowed]:
            yield Gap((), "values", _values_shown(missing))
    elif not all(_is_type(cover.get("type"), type_of(value)) for value in values):
        yield Gap((), "values", _values_shown(values))


def _parts(schema: Object) -> tuple[list[Any], Any]:
    """Return what is said of the first items of an array, and of the rest (either draft)."""
    items = schema.get("items", {})
    if isinstance(items, list):
        return items, schema.get("additionalItems", {})
    return lists(schema.get("prefixItems")), items


def _is_type(allowed: Any, said: Any) -> bool:
    return allowed in (None, said) or (allowed == "number" and said == "integer")


def _shown(form: Object) -> str:
    if "enum" in form:
        return _values_shown(lists(form["enum"]))
    title, said = form.get("title"), form.get("type")
    return str(title or said or "anything")


def _values_shown(values: list[Any]) -> str:
    text = ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
