"""How metrics are called and written."""

from typing import Final

from benchmarks.results import Spread

UNITS: Final = {
    "cpu_us": "CPU µs",
    "rate": "a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "import_ms": "CPU ms",
    "rss_mb": "MB",
    "peak_mb": "peak MB",
    "core_percent": "% of a core",
}


def number(value: float) -> str:
    """Write three digits that count, and no more."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def spread(values: Spread | None) -> str:
    """Write a median, and the least and the most when there is more than one."""
    if values is None:
        return ""
    if values.turns == 1:
        return number(values.median)
    return f"{number(values.median)} ({number(values.low)}–{number(values.high)})"


def ratio(values: Spread | None) -> str:
    """Write a ratio so exactly that its verdict can be seen."""
    if values is None:
        return ""
    return f"{values.median:.3f} ({values.low:.3f}–{values.high:.3f})"
