"""What it means for those who rely on an app that schemas differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.comparing.changes import Change
from asyncworker.comparing.schemas import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object
    from asyncworker.comparing.schemas import Gap

TAKEN: Final = {
    "required": "is required now",
    "type": "no longer takes {}",
    "values": "no longer takes {}",
    "limit": "takes only {} now",
    "rule": "takes only what keeps to {} now",
    "refused": "is refused now",
    "closed": "no longer takes other properties",
}
GIVEN: Final = {
    "required": "is no longer promised",
    "lost": "is gone",
    "type": "may be {} now",
    "values": "may be {} now",
    "limit": "is no longer only {}",
    "rule": "no longer keeps to {}",
}


def taken(
    subject: str, where: str, old: tuple[Object, Any], new: tuple[Object, Any]
) -> Iterator[Change]:
    """Yield what was taken, and is not any more. old, new: a document, and a schema of it."""
    comparison = Comparison(new[0], old[0], is_sent=False)
    for gap in comparison.gaps(new[1], old[1]):
        yield Change(subject, _told(where, gap, TAKEN))


def given(
    subject: str, where: str, old: tuple[Object, Any], new: tuple[Object, Any]
) -> Iterator[Change]:
    """Yield what was promised, and is not any more."""
    comparison = Comparison(old[0], new[0], is_sent=True)
    for gap in comparison.gaps(old[1], new[1]):
        yield Change(subject, _told(where, gap, GIVEN))


def _told(where: str, gap: Gap, words: dict[str, str]) -> str:
    place = ".".join(filter(None, (where, *gap.path)))
    return f"{place} {words[gap.kind].format(gap.subject)}"
