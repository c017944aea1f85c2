"""How it stands with an app in this process, and in those beside it where it is one of several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pydantic_core import from_json

from asyncworker import health, status
from asyncworker.processes.siblings import AWAY, Heard
from asyncworker.running.report import report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.app import App
    from asyncworker.health import Health
    from asyncworker.running.report import Subject
    from asyncworker.status import Snapshot

PROBING: Final = 0.5
"""Seconds that other processes have where a probe asks, which often waits for one second."""
READING: Final = 2.0
"""Seconds that they have otherwise."""
ALONE: Final = ""
"""The number of a process that has none beside it."""
UP: Final = b"""\
# HELP asyncworker_worker_up Whether a process of asyncworker run --workers answered.
# TYPE asyncworker_worker_up gauge
"""


async def life_of(app: App) -> list[str]:
    """Return which processes do not answer, a line each.

    One that is not there is not named: its parent starts another one.
    """
    heard = await _heard(app, "life", PROBING)
    return [f"worker {one} {why}" for one, why in heard.silent.items() if why != AWAY]


async def health_of(app: App) -> Health:
    """Return whether all works: of several processes, as with the worst of them."""
    heard = await _heard(app, "health", PROBING)
    found: dict[str, Health] = {one: from_json(said) for one, said in heard.answers.items()}
    return found[ALONE] if ALONE in found else health.together(found, heard.silent)


async def status_of(app: App) -> Snapshot:
    """Return a snapshot: of several processes, one of all of them."""
    heard = await _heard(app, "status", READING)
    found: list[Snapshot] = [from_json(said) for said in heard.answers.values()]
    if ALONE in heard.answers:
        return found[0]
    together = status.together(found)
    together["problems"] += [
        {"subject": f"worker {one}", "reason": why} for one, why in heard.silent.items()
    ]
    return together


async def metrics_of(app: App) -> bytes:
    """Return metrics: of several processes, with the label `worker`, and which of them answered.

    Raises: ImportError, saying what to install.
    """
    heard = await _heard(app, "metrics", READING)
    if ALONE in heard.answers:
        return heard.answers[ALONE]
    from asyncworker.metrics import merged

    # Of many processes with many queues it takes longer than an event loop should be kept.
    return await asyncio.to_thread(merged, heard.answers) + UP + _ups(heard)


def _ups(heard: Heard) -> bytes:
    answered: Mapping[str, int] = dict.fromkeys(heard.answers, 1) | dict.fromkeys(heard.silent, 0)
    lines = (f'asyncworker_worker_up{{worker="{one}"}} {up}\n' for one, up in answered.items())
    return "".join(lines).encode()


async def _heard(app: App, subject: Subject, limit: float) -> Heard:
    own = report(app, subject)
    if app.siblings is None:
        return Heard({ALONE: own})
    return await app.siblings.ask(subject, own, limit)
