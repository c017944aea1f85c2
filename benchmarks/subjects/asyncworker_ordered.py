"""asyncworker that handles the messages of each key in order."""

from typing import Any

from asyncworker import App, Options
from asyncworker.connections import AMQPConnection
from benchmarks import jobs
from benchmarks.subjects.asyncworker import consume_by
from benchmarks.window import Result


def consume(job: jobs.Consume) -> Result:
    """Consume as without an order; keys come in turn, as no body tells one."""
    keys = job.keys

    def key_of(message: Any) -> int:
        tag: int = message.delivery_tag
        return tag % keys

    app = App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])
    return consume_by(app, job, {Options.ORDER_BY: key_of})
