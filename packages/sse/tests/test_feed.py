"""What the feed is told of events."""

import asyncio

import pytest

from asyncworker import RouteTypes
from asyncworker.feed import SourceChanged, Statistics
from asyncworker.options import Options


@pytest.fixture
def outcomes(app, limit):
    app.feed.add(Statistics())

    async def outcomes(expected):
        """Wait until so much is counted, and nothing else."""
        async with asyncio.timeout(limit):
            while (found := dict(activity(app).outcomes)) != expected:
                assert not found.items() - expected.items(), found
                await asyncio.sleep(0)

    return outcomes


def activity(app):
    app.feed.flush()
    [found] = [one for one in app.feed.activities if one.kind == "sse"]
    return found


async def test_counts_events_by_stream(app, server, outcomes):
    @app.route(["/a", "/b?token=secret"], type=RouteTypes.SSE)
    async def handler(events):
        if events[0].data == "bad":
            raise ValueError("bad")

    async with app.started():
        for _ in range(2):
            stream = await server.stream()
            await stream.send(b"data: good\n\ndata: bad\n\n")
        await outcomes(
            {
                (f"{server.url}/a", "done"): 1,
                (f"{server.url}/a", "failed"): 1,
                (f"{server.url}/b?...", "done"): 1,
                (f"{server.url}/b?...", "failed"): 1,
            }
        )


async def test_tells_when_a_stream_is_read_and_when_it_is_lost(app, server, limit):
    told = asyncio.Queue()

    @app.feed.subscribe(SourceChanged)
    async def tell(events):
        for event in events:
            told.put_nowait(event)

    @app.route(["/a"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 2})
    async def handler(_events):
        pass

    async with asyncio.timeout(limit), app.started():
        stream = await server.stream()
        assert (await told.get()).state == "working"
        await stream.send(b"data: waits\n\n")
        async with asyncio.timeout(limit):
            while activity(app).load().waiting != 1:  # noqa: ASYNC110
                await asyncio.sleep(0)
        stream.drop()
        lost = await told.get()
        assert (lost.state, lost.source) == ("waiting", f"{server.url}/a")
        assert lost.reason
