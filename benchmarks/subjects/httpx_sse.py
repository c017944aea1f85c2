"""httpx-sse: an event source on an httpx client."""

import asyncio

import httpx
from httpx_sse import aconnect_sse

from benchmarks import jobs
from benchmarks.window import Result, Window


def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""

    async def main() -> Result:
        measured = Window(job.warmup, job.count, lambda: None)
        left = job.warmup + job.count
        url = job.url + job.path
        async with httpx.AsyncClient() as client, aconnect_sse(client, "GET", url) as source:
            async for event in source.aiter_sse():
                measured.add((event.json(),))
                left -= 1
                if not left:
                    break
        return measured.result()

    return asyncio.run(main())
