"""What a process tells of its run, to clients and to the processes beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from asyncworker.health import health
from asyncworker.status import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.app import App
    from asyncworker.feed import Statistics

Subject = Literal["life", "health", "status", "metrics"]


def report(app: App, subject: Subject) -> bytes:
    """Return what there is to tell, as JSON, or as metrics in Prometheus' text format.

    Raises: ImportError, saying what to install, when there is nothing that makes metrics.
    """
    return REPORTS[subject](app)


def _json(value: Any) -> bytes:
    # pydantic takes longer than all else to be imported.
    from pydantic_core import to_json

    # NaN is no JSON.
    return to_json(value, inf_nan_mode="null")


def _statistics(app: App) -> Statistics:
    statistics = app.feed.statistics
    assert statistics is not None  # noqa: S101 (who asks is there because they are kept)
    return statistics


def _metrics(app: App) -> bytes:
    from asyncworker.metrics import exposition

    return exposition(app, _statistics(app))


REPORTS: Final[dict[Subject, Callable[[App], bytes]]] = {
    "life": lambda _: b"{}",
    "health": lambda app: _json(health(app)),
    "status": lambda app: _json(snapshot(app, _statistics(app))),
    "metrics": _metrics,
}
