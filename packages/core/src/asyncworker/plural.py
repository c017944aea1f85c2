"""Words for numbers, in log lines and on a terminal."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 message`, `2 messages`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def lasting(seconds: float) -> str:
    """Return seconds as people say them: `5 min`, `2 h 5 min`."""
    left = max(0, int(seconds))
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
