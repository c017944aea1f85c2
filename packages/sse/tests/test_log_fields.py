"""What lines say by themselves that are logged while events are handled."""

import asyncio

import pytest

from asyncworker import Options, RouteTypes
from asyncworker.log_fields import log_fields


@pytest.fixture
async def told():
    """What lines said, to wait for."""
    return asyncio.Queue()


def events(*ids):
    return "".join(f"id: {each}\ndata: {each}\n\n" for each in ids).encode()


async def test_an_event_is_told_by_route_stream_and_id(app, server, told, limit):
    @app.route(["/x?token=s3cret"], type=RouteTypes.SSE)
    async def handler(batch):
        told.put_nowait(log_fields())

    async with asyncio.timeout(limit), app.started():
        await (await server.stream()).send(events("7", "8"))
        found = [await told.get(), await told.get()]
    name = handler.__qualname__
    assert found == [{"route": name, "stream": "/x?...", "event_id": each} for each in ("7", "8")]


async def test_several_events_are_told_by_their_number(app, server, told, limit):
    @app.route(["/x"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 2})
    async def handler(batch):
        told.put_nowait(log_fields())

    async with asyncio.timeout(limit), app.started():
        await (await server.stream()).send(events("7", "8"))
        found = await told.get()
    assert found == {"route": handler.__qualname__, "events": 2}
