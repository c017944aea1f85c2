"""aiohttp-sse-client2: an event source on an aiohttp session."""

import asyncio
import json

from aiohttp import ClientTimeout
from aiohttp_sse_client2.client import EventSource

from benchmarks import jobs
from benchmarks.window import Result, Window


def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""

    async def main() -> Result:
        measured = Window(job.warmup, job.count, lambda: None)
        left = job.warmup + job.count
        timeout = ClientTimeout(total=None)
        async with EventSource(job.url + job.path, timeout=timeout) as source:
            async for event in source:
                measured.add((json.loads(event.data),))
                left -= 1
                if not left:
                    break
        return measured.result()

    return asyncio.run(main())
