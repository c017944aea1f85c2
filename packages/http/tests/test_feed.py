"""What the feed is told of requests."""

import asyncio

import pytest

from asyncworker.feed import Statistics


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
    [found] = [one for one in app.feed.activities if one.kind == "http"]
    return found


async def test_counts_requests_by_template_and_status(app, serving, outcomes):
    @app.http.get("/orders/{id}")
    async def order(id: int):
        if id == 7:
            raise ValueError("no seven")
        return {"id": id}

    async with serving(app) as client:
        for path in ("/orders/1", "/orders/2", "/orders/x", "/orders/7", "/elsewhere"):
            async with client.get(path) as response:
                await response.read()
        source = "GET /orders/{id}"
        await outcomes({(source, "200"): 2, (source, "400"): 1, (source, "500"): 1})
        assert activity(app).failures == 1
        assert activity(app).last_error[0] == "ValueError('no seven')"
        assert activity(app).sources[source].state == "working"


async def test_shows_requests_that_are_being_answered(app, serving, outcomes):
    entered, goes_on = asyncio.Event(), asyncio.Event()

    @app.http.get("/slow")
    async def slow():
        entered.set()
        await goes_on.wait()

    async with serving(app) as client:
        asking = asyncio.ensure_future(client.get("/slow"))
        await entered.wait()
        assert activity(app).load().in_flight == 1
        goes_on.set()
        async with await asking as response:
            await response.read()
        await outcomes({("GET /slow", str(response.status)): 1})
        assert activity(app).load().in_flight == 0
