"""asyncworker with a rate that is not reached."""

from asyncworker import App, Options, Rate
from asyncworker.connections import AMQPConnection
from benchmarks import jobs
from benchmarks.subjects.asyncworker import consume_by
from benchmarks.window import Result


def consume(job: jobs.Consume) -> Result:
    """Consume as without a rate."""
    app = App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])
    return consume_by(app, job, {Options.RATE: Rate(10_000_000)})
