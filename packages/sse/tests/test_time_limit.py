"""Events whose handler takes longer than its Options.TIMEOUT."""

import asyncio

from asyncworker import Options, RouteTypes


async def test_the_log_names_them_and_the_next_events_are_handled(app, server, limit, logs):
    handled = asyncio.Queue()

    @app.route(["/x"], type=RouteTypes.SSE, options={Options.TIMEOUT: 0.05})
    async def handler(events):
        if events[0].id == "1":
            await asyncio.Event().wait()
        handled.put_nowait(events[0].id)

    async with app.started(), asyncio.timeout(limit):
        await (await server.stream()).send(b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n")
        assert await handled.get() == "2"
    [record] = logs.matching("raised HandlerTimeout('it took longer than 0.05 s")
    assert (record.last_event_id, record.events) == ("1", 1)
