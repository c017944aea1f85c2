"""From the stream to the handler."""

import asyncio

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.sse import SSEConnection, SSEEvent


def numbered(*numbers):
    return b"".join(b"id: %d\ndata: %d\n\n" % (number, number) for number in numbers)


async def test_gives_the_handler_a_list_of_events_with_all_they_carry(app, server, inbox):
    app.route(["/v2/events"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.stream()
        await stream.send(b'event: deployment_info\nid: 7\ndata: {"plan":\ndata: {"id": 5}}\n\n')
        (event,) = await inbox.batch()

    assert isinstance(event, SSEEvent)
    assert "/v2/events" == stream.request.path
    assert ("deployment_info", "7", "/v2/events") == (event.name, event.id, event.route)
    assert '{"plan":\n{"id": 5}}' == event.data
    assert {"plan": {"id": 5}} == event.body


async def test_names_an_event_message_when_the_stream_names_none(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await server.stream()).send(b"data: 1\n\n")
        (event,) = await inbox.batch()
    assert ("message", "") == (event.name, event.id)


async def test_asks_for_an_event_stream_that_nobody_stored(server, inbox):
    connection = SSEConnection(server.url, "me", "pw", headers={"X-A": "1", "x-b": "1"})
    app = App(connections=[connection])
    app.route(["/x?a=b"], type=RouteTypes.SSE, headers={"X-B": "2"})(inbox)
    async with app.started():
        request = (await server.stream()).request
    assert "/x?a=b" == request.path_qs
    assert "text/event-stream" == request.headers["Accept"]
    assert "no-store" == request.headers["Cache-Control"]
    assert "identity" == request.headers["Accept-Encoding"]
    assert "Basic bWU6cHc=" == request.headers["Authorization"]
    assert ("1", ["2"]) == (request.headers["X-A"], request.headers.getall("X-B"))
    assert "Last-Event-ID" not in request.headers


async def test_reads_one_stream_for_each_path_of_a_route(app, server, inbox):
    app.route(["/a", "/b"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        streams = [await server.stream(), await server.stream()]
        for stream in streams:
            await stream.send(b"data: %s\n\n" % stream.request.path.encode())
        events = [*await inbox.batch(), *await inbox.batch()]
    assert [("/a", "/a"), ("/b", "/b")] == sorted((event.route, event.data) for event in events)


async def test_one_server_may_hold_more_streams_than_a_pool_has_places(app, server, inbox):
    paths = [f"/{number}" for number in range(120)]
    app.route(paths, type=RouteTypes.SSE)(inbox)
    async with app.started():
        for _ in paths:
            await (await server.stream()).send(b"data: 1\n\n")
        assert ["1"] * 120 == await inbox.data(120)


async def test_a_batch_goes_out_when_it_is_full(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 2})(inbox)
    async with app.started():
        await (await server.stream()).send(numbered(1, 2, 3, 4, 5))
        assert [["1", "2"], ["3", "4"]] == [
            [event.data for event in await inbox.batch()] for _ in range(2)
        ]
        assert inbox.batches.empty()


async def test_who_watches_is_told_that_a_batch_waits(app, server, inbox, logs, monkeypatch):
    monkeypatch.setattr("asyncworker.bucket.PATIENCE", 0.01)
    app.route(["/x"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 2})(inbox)
    async with app.started():
        await (await server.stream()).send(numbered(1))
        await logs.wait("handler Inbox: a batch waits with 1 of 2 items, for 60 s at most: ")


@pytest.mark.parametrize("by_environment", [True, False])
async def test_a_batch_goes_out_when_its_oldest_event_is_old(
    monkeypatch, connection, server, inbox, by_environment
):
    options = {Options.BULK_SIZE: 1000}
    if by_environment:
        monkeypatch.setenv("ASYNCWORKER_FLUSH_TIMEOUT", "0.05")
    else:
        options[Options.BULK_FLUSH_INTERVAL] = 0.05
    app = App(connections=[connection])
    app.route(["/x"], type=RouteTypes.SSE, options=options)(inbox)
    async with app.started():
        await (await server.stream()).send(numbered(1, 2))
        assert ["1", "2"] == await inbox.data(2)


async def test_keeps_the_order_of_a_stream(app, server, inbox):
    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        # The later ones are faster: side by side they would overtake.
        for _ in range(20 - int(events[0].data)):
            await asyncio.sleep(0)
        await inbox(events)

    async with app.started():
        await (await server.stream()).send(numbered(*range(20)))
        assert [str(number) for number in range(20)] == await inbox.data(20)


async def test_handles_as_many_batches_side_by_side_as_the_route_says(app, server, limit):
    meeting = asyncio.Barrier(4)

    @app.route(["/x"], type=RouteTypes.SSE, options={Options.MAX_CONCURRENCY: 3})
    async def handler(events):
        await meeting.wait()

    async with asyncio.timeout(limit), app.started():
        await (await server.stream()).send(numbered(1, 2, 3))
        await meeting.wait()


async def test_a_handler_that_raises_is_logged_and_the_stream_goes_on(app, server, inbox, logs):
    @app.route(["/x?token=s3cret"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 2})
    async def handler(events):
        if events[0].data == "1":
            raise LookupError("no such thing")
        await inbox(events)

    async with app.started():
        await (await server.stream()).send(numbered(1, 2, 3, 4))
        assert ["3", "4"] == await inbox.data(2)

    (record,) = logs.matching("raised")
    assert "handler" in record.getMessage()
    assert "LookupError('no such thing')" in record.getMessage()
    assert record.exc_info[0] is LookupError
    assert record.exc_info[2].tb_frame.f_code is handler.__code__
    assert (["/x?..."], "2", 2) == (record.streams, record.last_event_id, record.events)
    assert 1 == server.count


async def test_what_had_arrived_is_handled_though_the_stream_breaks_off(raw, inbox, logs, limit):
    """Events without ids, which the server cannot send again."""
    release = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if not release.is_set():
            events = b"".join(b"data: %d\n\n" % number for number in range(10_000))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n" % (2 * len(events)) + events)
            writer.write_eof()
            # The client's own end comes when it has seen this one.
            assert await reader.read() == b""
            release.set()

    async def handler(events):
        await release.wait()
        await inbox(events)

    app = App(connections=[SSEConnection(await raw(answer))])
    app.route(["/x"], type=RouteTypes.SSE)(handler)
    async with asyncio.timeout(limit), app.started():
        assert [str(number) for number in range(10_000)] == await inbox.data(10_000)
        await logs.wait("trying again")


async def test_reads_lines_and_events_longer_than_any_buffer(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await server.stream()).send(b"data: " + b"x" * 3_000_000 + b"\n\n")
        assert ["x" * 3_000_000] == await inbox.data(1)


async def test_data_of_what_a_handler_raises_is_not_in_the_log(app, server, inbox, logs):
    data = b"hunter2" * 100_000 + b"\xff"

    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        if events[0].data == "1":
            data.decode()
        await inbox(events)

    async with app.started():
        stream = await server.stream()
        await stream.send(b"id: " + b"1" * 100_000 + b"\ndata: 1\n\ndata: 2\n\n")
        assert ["2"] == await inbox.data(1)
    assert logs.matching("raised UnicodeDecodeError(")
    assert "hunter2" not in logs.written()
    assert len(logs.written()) < 20_000
