"""The style of a page: what all have, and its own."""

from __future__ import annotations

from importlib.resources import files


def styled(own: str) -> str:
    """Return the whole style of a page, by its own."""
    return (files(__package__) / "page.css").read_text("utf-8") + own
