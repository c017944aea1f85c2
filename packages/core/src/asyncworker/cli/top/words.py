"""Numbers as people read them, and text that a terminal takes for nothing else."""

from __future__ import annotations

from asyncworker.plural import lasting


def amount(number: int) -> str:
    """Return a number: `12,000`."""
    return f"{number:,}"


def rate(number: float) -> str:
    """Return how many there are in a second: `0.25/s`, `3.1/s`, `1,200/s`."""
    digits = 0 if number >= 10 or number == 0 else 1 if number >= 1 else 2
    return f"{number:,.{digits}f}/s"


def duration(seconds: float) -> str:
    """Return a time, however short: `85 µs`, `410 ms`, `2.5 s`, `1 h 5 min`."""
    if seconds >= 10:
        return lasting(seconds)
    if seconds >= 1:
        return f"{seconds:.1f} s"
    if seconds >= 0.001 or seconds == 0:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds * 1_000_000:.0f} µs"


def cleaned(text: str) -> str:
    """Return a text without what would move a cursor or change a color."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
