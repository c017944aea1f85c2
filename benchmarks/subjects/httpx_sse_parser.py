"""httpx-sse without a network: it parses what is in memory, and decodes the JSON of each event."""

from collections.abc import AsyncIterator

import httpx
from httpx_sse import EventSource

from benchmarks import jobs
from benchmarks.events import CHUNK, HEADERS, event_stream
from benchmarks.window import Result, Window


async def chunks(count: int) -> AsyncIterator[bytes]:
    """Yield events in pieces like those that a socket gives."""
    for chunk in event_stream(count, CHUNK):
        yield chunk


async def follow(job: jobs.Follow) -> Result:
    """Parse one event stream."""
    measured = Window(job.warmup, job.count)
    content = chunks(job.warmup + job.count)
    source = EventSource(httpx.Response(200, headers=HEADERS, content=content))
    async for event in source.aiter_sse():
        measured.add((event.json(),))
    return measured.result()
