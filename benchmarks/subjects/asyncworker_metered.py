"""asyncworker with its metrics on, scraped more often than anybody does."""

from asyncworker import App
from asyncworker.connections import AMQPConnection
from asyncworker.feed import Statistics
from asyncworker.metrics import exposition
from benchmarks import jobs
from benchmarks.subjects.asyncworker import consume_by
from benchmarks.window import Result

SCRAPED_EVERY = 1


def consume(job: jobs.Consume) -> Result:
    """Consume as without metrics."""
    app = App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])
    statistics = Statistics()
    app.feed.add(statistics)

    @app.run_every(SCRAPED_EVERY)
    async def scrape() -> None:
        exposition(app, statistics)

    return consume_by(app, job)
