"""The page that shows snapshots as they come."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from asyncworker.pages import policy_of, styled

PAGE: Final = files(__package__) / "page"
SCRIPTS: Final = (
    "text.js",
    "nodes.js",
    "history.js",
    "sparkline.js",
    "states.js",
    "tables.js",
    "sections.js",
    "summary.js",
    "page.js",
)
"""In their order: they are one module."""


@cache
def page() -> str:
    """Return the page: HTML that asks for nothing but what is live.

    It reads `status/events`, an event stream of snapshots as JSON, and where there is none
    `status.json`: both beside itself, whatever the path before `status` is. Either is what
    `snapshot()` or `together()` returns.
    """
    return (PAGE / "page.html").read_text("utf-8").format(style=_style(), script=_script())


@cache
def policy() -> str:
    """Return the Content-Security-Policy of the page: its own style and script, and no others."""
    return policy_of(_style(), _script())


def _style() -> str:
    return styled((PAGE / "page.css").read_text("utf-8"))


def _script() -> str:
    return "".join((PAGE / name).read_text("utf-8") for name in SCRIPTS)
