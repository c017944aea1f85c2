"""Changes of an app, each in a line, and whether they break those who rely on it."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """Name one change.

    subject: what changed, as `POST /orders`. what: how it changed. breaks: whether somebody who did
    nothing wrong before fails by it.
    """

    subject: str
    what: str
    breaks: bool = True

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


def is_new(subject: str) -> Change:
    """Return that something was added, which breaks nobody."""
    return Change(subject, "is new", breaks=False)


def is_gone(subject: str) -> Change:
    """Return that something is no longer there."""
    return Change(subject, "is gone")
