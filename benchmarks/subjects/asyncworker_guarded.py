"""asyncworker with a breaker, which has nothing to do."""

from asyncworker import App, Breaker, Options
from asyncworker.connections import AMQPConnection
from benchmarks import jobs
from benchmarks.subjects.asyncworker import consume_by
from benchmarks.window import Result


def consume(job: jobs.Consume) -> Result:
    """Consume as without a breaker."""
    app = App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])
    return consume_by(app, job, {Options.BREAKER: Breaker()})
