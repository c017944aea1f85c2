"""asyncworker that handles the messages of each key in order."""

from collections.abc import Callable
from typing import Any

from asyncworker import Options
from benchmarks import jobs
from benchmarks.subjects import asyncworker_beside
from benchmarks.subjects.asyncworker import connected, consume_by
from benchmarks.window import Result


def consume(job: jobs.Consume) -> Result:
    """Consume in order."""
    return consume_by(connected(job), job, {Options.ORDER_BY: key_of(job.keys)})


async def beside(job: jobs.Beside) -> dict[str, list[Result]]:
    """Consume without an order and with one."""
    options = {Options.ORDER_BY: key_of(job.keys)}
    return await asyncworker_beside.beside(connected(job), job, options)


def key_of(keys: int) -> Callable[[Any], int]:
    """Return what gives messages their keys in turn, as no body tells one."""

    def key(message: Any) -> int:
        tag: int = message.delivery_tag
        return tag % keys

    return key
