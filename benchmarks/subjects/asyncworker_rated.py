"""asyncworker with a rate that is not reached."""

from asyncworker import Options, Rate
from benchmarks import jobs
from benchmarks.subjects import asyncworker_beside
from benchmarks.subjects.asyncworker import connected
from benchmarks.window import Result


async def beside(job: jobs.Beside) -> dict[str, list[Result]]:
    """Consume without a rate and with one."""
    return await asyncworker_beside.beside(connected(job), job, {Options.RATE: Rate(10_000_000)})
