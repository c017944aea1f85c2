"""aiosseclient: one asynchronous generator."""

import asyncio
import json

from aiosseclient import aiosseclient

from benchmarks import jobs
from benchmarks.window import Result, Window


def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""

    async def main() -> Result:
        measured = Window(job.warmup, job.count, lambda: None)
        left = job.warmup + job.count
        events = aiosseclient(job.url + job.path)
        async for event in events:
            measured.add((json.loads(event.data),))
            left -= 1
            if not left:
                break
        await events.aclose()
        return measured.result()

    return asyncio.run(main())
