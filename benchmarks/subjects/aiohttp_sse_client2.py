"""aiohttp-sse-client2: an event source on an aiohttp session."""

import json

from aiohttp import ClientTimeout
from aiohttp_sse_client2.client import EventSource

from benchmarks import jobs
from benchmarks.window import Result, Window


async def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""
    measured = Window(job.warmup, job.count)
    timeout = ClientTimeout(total=None)
    async with EventSource(job.url + job.path, timeout=timeout) as source:
        for _ in range(job.warmup + job.count):
            event = await anext(source)
            measured.add((json.loads(event.data),))
    return measured.result()
