"""The end of a run: reading stops, what was read is handled."""

import asyncio
import threading

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.bucket import Bucket
from asyncworker.errors import DrainTimeout
from asyncworker.sse import SSEConnection
from asyncworker.sse.backend import backend


def numbered(count):
    return b"".join(b"data: %d\n\n" % number for number in range(count))


async def test_stops_reading_and_has_all_it_read_handled(app, server, inbox):
    started, release = asyncio.Event(), asyncio.Event()

    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        started.set()
        await release.wait()
        await inbox(events)

    async with app.started():
        stream = await server.stream()
        await stream.send(numbered(20))
        await started.wait()
        asyncio.get_running_loop().call_soon(release.set)
    assert [str(number) for number in range(20)] == await inbox.data(20)
    assert inbox.batches.empty()
    assert 1 == server.count


async def test_flushes_what_no_batch_was_filled_with(app, server, inbox):
    filled = asyncio.Event()

    @app.route(["/x"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 5})
    async def handler(events):
        await inbox(events)
        filled.set()

    async with app.started():
        await (await server.stream()).send(numbered(7))
        await filled.wait()
    assert [5, 2] == [len(await inbox.batch()), len(await inbox.batch())]


async def test_takes_no_more_ahead_of_a_slow_handler_than_it_can_finish(server, inbox):
    """Of a megabyte that waits, only a few kilobytes are on their way to the handler."""
    app = App(connections=[SSEConnection(server.url)])
    started, release = asyncio.Event(), asyncio.Event()

    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        started.set()
        await release.wait()
        await inbox(events)

    async with app.started():
        stream = await server.stream()
        await stream.send((b"data: %s\n\n" % (b"x" * 200)) * 2000)
        await started.wait()
        asyncio.get_running_loop().call_soon(release.set)
    assert 1 <= inbox.batches.qsize() <= 40


async def test_cancels_what_still_runs_at_the_deadline(monkeypatch, connection, server, limit):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.2")
    app = App(connections=[connection])
    started, cancelled = asyncio.Event(), asyncio.Event()

    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with asyncio.timeout(limit):
        with pytest.raises(DrainTimeout, match="ASYNCWORKER_SHUTDOWN_TIMEOUT"):
            async with app.started():
                await (await server.stream()).send(numbered(3))
                await started.wait()
    assert cancelled.is_set()
    assert [] == app.problems


async def test_leaves_no_task_and_no_problem_behind(app, server, inbox):
    before = asyncio.all_tasks()
    app.route(["/x", "/y"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await server.stream()).send(b"data: 1\n\n")
        (await server.accept()).respond(500)
        await inbox.batch()
        assert app.problems
    left = {task for task in asyncio.all_tasks() if "Consumer" in repr(task)}
    assert [] == app.problems
    assert left <= before


async def test_can_be_started_again(app, server, inbox):
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    for number in range(3):
        async with app.started():
            stream = await server.stream()
            assert "Last-Event-ID" not in stream.headers
            await stream.send(b"id: 1\ndata: %d\n\n" % number)
            assert [str(number)] == await inbox.data(1)


def test_an_app_runs_on_one_event_loop_after_another():
    handled = []
    url = ready = None

    def serve():
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            await reader.read()
            writer.close()

        async def main():
            nonlocal url
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()
            await asyncio.to_thread(over.wait)
            server.close()

        asyncio.run(main())

    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    app = App(connections=[SSEConnection(url)])

    @app.route(["/x"], type=RouteTypes.SSE)
    async def handler(events):
        handled.extend(event.body for event in events)
        app.shutdown()

    app.run()
    app.run()
    over.set()
    thread.join()
    assert [1, 1] == handled


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_stops_at_any_moment_of_the_start(server, inbox, turns, limit):
    """Whatever a stop falls into, it is obeyed."""
    app = App(connections=[SSEConnection(server.url)])
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with asyncio.timeout(limit), app.started():
        for _ in range(turns):
            await asyncio.sleep(0)
    assert [] == app.problems


async def test_a_cancelled_backend_gives_its_handlers_nothing_more(
    app, server, inbox, monkeypatch, limit, clock
):
    options = {Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 100}
    app.route(["/x"], type=RouteTypes.SSE, options=options)(inbox)
    taken = asyncio.Event()

    class Noted(Bucket):
        def extend(self, items):
            super().extend(items)
            taken.set()

    async def serve():
        async with backend.serve(app, app.routes):
            await asyncio.Event().wait()

    monkeypatch.setattr("asyncworker.intake.intake.Bucket", Noted)
    async with asyncio.timeout(limit):
        serving = asyncio.create_task(serve())
        await (await server.stream()).send(b"data: 1\n\n")
        await taken.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    await clock.advance(101)
    assert inbox.batches.empty()
