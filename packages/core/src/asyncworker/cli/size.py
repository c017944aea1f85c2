"""Sizes on the command line."""

from __future__ import annotations

import re
from typing import Final

import click

WRITTEN: Final = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>[KMG]?)B?", re.IGNORECASE)
UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def size_of(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """Return bytes that are written as 512M or 1.5G.

    Raises: click.BadParameter
    """
    if value is None:
        return None
    found = WRITTEN.fullmatch(value)
    size = 0 if found is None else int(float(found["number"]) * UNITS[found["unit"].upper()])
    if size < 1:
        raise click.BadParameter(f"{value!r} is no size: write it as 512M or 1G")
    return size
