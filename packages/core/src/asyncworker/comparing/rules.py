"""Rules that values of one type keep to, and which of them are stricter than others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object

LOWER: Final = ("minimum", "exclusiveMinimum")
UPPER: Final = ("maximum", "exclusiveMaximum")
LEAST: Final = ("minLength", "minItems", "minProperties")
MOST: Final = ("maxLength", "maxItems", "maxProperties")
SAME: Final = ("pattern", "format", "multipleOf", "uniqueItems", "contentMediaType")
LONGEST: Final = 60
"""The most characters of a rule that are told."""


def stricter(cover: Object, covered: Object) -> Iterator[str]:
    """Yield the rules of one schema that values may break which keep to those of the other."""
    for name in (*_bounds(cover, covered), *_sizes(cover, covered), *_others(cover, covered)):
        yield f"{name} {cover[name]}"[:LONGEST]


def _bounds(cover: Object, covered: Object) -> Iterator[str]:
    low, own_low = _bound(cover, LOWER, 1), _bound(covered, LOWER, 1)
    if low is not None and (own_low is None or own_low < low):
        yield LOWER[low[1]]
    high, own_high = _bound(cover, UPPER, -1), _bound(covered, UPPER, -1)
    if high is not None and (own_high is None or own_high < high):
        yield UPPER[high[1]]


def _bound(schema: Object, names: tuple[str, str], sign: int) -> tuple[float, int] | None:
    """Return the stricter bound of a number, as what is the larger, the stricter it is.

    With it comes which of the names it is: the second one is the stricter of two equal ones.
    """
    found = [
        (sign * schema[name], number)
        for number, name in enumerate(names)
        if _is_number(schema.get(name))
    ]
    return max(found) if found else None


def _sizes(cover: Object, covered: Object) -> Iterator[str]:
    for name in LEAST:
        if _size(cover, name, 0) > _size(covered, name, 0):
            yield name
    for name in MOST:
        if _size(cover, name, float("inf")) < _size(covered, name, float("inf")):
            yield name


def _size(schema: Object, name: str, default: float) -> float:
    value: Any = schema.get(name)
    return value if _is_number(value) else default


def _others(cover: Object, covered: Object) -> Iterator[str]:
    for name in SAME:
        if cover.get(name) not in (None, False, covered.get(name)):
            yield name


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
