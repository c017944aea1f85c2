"""What commands on dead letters do, and how they tell of it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from asyncworker.cli.failures import USAGE, fail
from asyncworker.cli.target import parse_target
from asyncworker.errors import ConfigurationError
from asyncworker.logs import json_logging
from asyncworker.plural import lasting
from asyncworker.rabbitmq.dead.cli import as_json, lines
from asyncworker.rabbitmq.dead.cli.meter import Meter
from asyncworker.rabbitmq.dead.cli.stopping import Stopped, run
from asyncworker.rabbitmq.dead.known_queues import dead_queue
from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from asyncworker.rabbitmq.dead.queue import DeadQueue
    from asyncworker.rabbitmq.dead.sweep import Progress

T = TypeVar("T")

NOISY: Final = {"aio_pika", "aiormq"}
CAUSES: Final = 5
"""How many are named, the most."""


def chosen_queue(target: str, name: str, vhost: str | None, connection: str | None) -> DeadQueue:
    """Return the queue of an app, or end where it has none of that name."""
    app = parse_target(target).load()
    try:
        return dead_queue(app, name, vhost, connection)
    except ConfigurationError as error:
        fail(str(error), USAGE)


def quietly(work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns. What is logged of a problem is said by a line."""
    with json_logging("CRITICAL", quiet=NOISY):
        return asyncio.run(run(work))


def echo(*texts: str) -> None:
    """Print lines."""
    for text in texts:
        click.echo(text)


def move(
    place: DeadQueue,
    work: Callable[[Meter], Coroutine[Any, Any, Progress]],
    words: tuple[str, str],
    chosen: Mapping[str, Any],
    *,
    dry_run: bool,
    is_json: bool,
) -> None:
    """Do it, and tell what was done, however it ends.

    words: for what is done, and for what was done.
    """
    meter = Meter(words[1])
    problem, code = _done(meter, work)
    progress = meter.progress
    if is_json:
        echo(as_json.text_of(as_json.of_progress(place, progress, dry_run=dry_run)))
    elif progress.chosen or problem:
        told = lines.of_trial if dry_run else lines.of_end
        echo(*told(words[0] if dry_run else words[1], place.name, progress))
    elif not progress.found:
        echo(f"{place.name} is empty")
    if problem is not None:
        fail(problem, code)
    if not progress.chosen:
        check_match(place, chosen["error"], chosen["older"])
    if progress.left:
        sys.exit(1)


def check_match(place: DeadQueue, error: str | None, older: float | None) -> None:
    """End, saying so, where there are dead letters but none of that kind."""
    asked = [
        *([] if error is None else [f"an error like {error!r}"]),
        *([] if older is None else [f"an age of {lasting(older)} or more"]),
    ]
    found = quietly(place.summary()) if asked else None
    if found is not None and found.count:
        causes = "; ".join(lines.cause(one) for one in found.groups[:CAUSES])
        fail(f"none of {found.count} has {' and '.join(asked)}; there is: {causes}", 1)


def _done(
    meter: Meter, work: Callable[[Meter], Coroutine[Any, Any, Progress]]
) -> tuple[str | None, int]:
    """Do it; return what kept it from its end, and the exit code."""
    try:
        with meter:
            quietly(work(meter))
    except Stopped as stopped:
        return f"stopped by {stopped}; the rest is where it was", stopped.code
    except BrokerError as error:
        return str(error), 1
    return None, 0
