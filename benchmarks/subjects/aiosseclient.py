"""aiosseclient: one asynchronous generator."""

import json

from aiosseclient import aiosseclient

from benchmarks import jobs
from benchmarks.window import Result, Window


async def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""
    measured = Window(job.warmup, job.count)
    events = aiosseclient(job.url + job.path)
    for _ in range(job.warmup + job.count):
        event = await anext(events)
        measured.add((json.loads(event.data),))
    await events.aclose()
    return measured.result()
