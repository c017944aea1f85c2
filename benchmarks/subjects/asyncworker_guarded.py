"""asyncworker with a breaker, which has nothing to do."""

from asyncworker import Breaker, Options
from benchmarks import jobs
from benchmarks.subjects import asyncworker_beside
from benchmarks.subjects.asyncworker import connected
from benchmarks.window import Result


async def beside(job: jobs.Beside) -> dict[str, list[Result]]:
    """Consume without a breaker and with one."""
    return await asyncworker_beside.beside(connected(job), job, {Options.BREAKER: Breaker()})
