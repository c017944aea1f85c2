"""asyncworker with its metrics on, scraped more often than anybody does."""

from asyncworker.feed import Statistics
from asyncworker.metrics import exposition
from benchmarks import jobs
from benchmarks.subjects import asyncworker_beside
from benchmarks.subjects.asyncworker import connected
from benchmarks.window import Result


async def beside(job: jobs.Beside) -> dict[str, list[Result]]:
    """Consume without metrics and with them."""
    app, statistics = connected(job), Statistics()
    app.feed.add(statistics)
    return await asyncworker_beside.beside(app, job, each_slice=lambda: exposition(app, statistics))
