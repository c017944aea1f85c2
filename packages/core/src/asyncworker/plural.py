"""Words of log lines."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 message`, `2 messages`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
