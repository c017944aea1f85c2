"""Times and rates, as one writes them on a command line."""

from __future__ import annotations

import re
from typing import Final

import click

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
_NUMBER: Final = r"(\d+(?:\.\d+)?)"
_AGE: Final = re.compile(rf"{_NUMBER}([smhdw]?)")
_RATE: Final = re.compile(rf"{_NUMBER}(?:/([smh]))?")


def age(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Return the seconds that `90`, `90s`, `15m`, `1h`, `2d` or `1w` stands for."""
    if text is None:
        return None
    found = _AGE.fullmatch(text)
    seconds = float(found[1]) * SECONDS[found[2] or "s"] if found else 0.0
    if not seconds:
        raise click.BadParameter(f"{text!r} is no age: write 90s, 15m, 1h, 2d or 1w")
    return seconds


def rate(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Return the messages a second that `50`, `50/s`, `600/m` or `1000/h` stands for."""
    if text is None:
        return None
    found = _RATE.fullmatch(text)
    often = float(found[1]) / SECONDS[found[2] or "s"] if found else 0.0
    if not often:
        raise click.BadParameter(f"{text!r} is no rate: write 50/s, 600/m or 1000/h")
    return often
