"""httpx-sse: an event source on an httpx client."""

import httpx
from httpx_sse import aconnect_sse

from benchmarks import jobs
from benchmarks.window import Result, Window


async def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""
    measured = Window(job.warmup, job.count)
    url = job.url + job.path
    async with httpx.AsyncClient() as client, aconnect_sse(client, "GET", url) as source:
        events = source.aiter_sse()
        for _ in range(job.warmup + job.count):
            measured.add(((await anext(events)).json(),))
    return measured.result()
