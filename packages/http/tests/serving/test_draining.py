"""The end of a run: what runs is finished, who is idle is let go."""

import asyncio

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from asyncworker import App
from asyncworker.errors import DrainTimeout
from asyncworker.http.serving.server import Server
from asyncworker.http.settings import Settings

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Gate:
    """A handler that waits in the middle."""

    def __init__(self):
        self.entered, self.leave = asyncio.Event(), asyncio.Event()
        self.cancelled = False

    async def __call__(self):
        self.entered.set()
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def app(app, gate):
    app.http.get("/")(gate)
    return app


@pytest.fixture
def hurried(monkeypatch, gate):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.1")
    hurried = App()
    hurried.http.get("/")(gate)
    return hurried


async def refused(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.transport.abort()
    return False


async def test_finishes_what_runs_and_takes_nothing_new(app, gate, connect):
    async def release_when_refused(port):
        while not await refused(port):
            pass
        gate.leave.set()

    async with asyncio.TaskGroup() as group:
        async with app.started():
            wire = await connect(app)
            wire.send(REQUEST)
            await gate.entered.wait()
            group.create_task(release_when_refused(app.http.port))
        answer = await wire.rest()
    assert answer.startswith("HTTP/1.1 200 ")
    assert answer.endswith("done")


async def test_closes_idle_connections_at_once(app, gate, connect, limit):
    @app.http.get("/quick")
    async def quick(): ...

    async with app.started():
        idle, half, fresh, busy = [await connect(app) for _ in range(4)]
        idle.send(REQUEST.replace(b"/ ", b"/quick "))
        assert " 204 " in await idle.head()
        half.send(REQUEST[:-1])
        busy.send(REQUEST)
        await gate.entered.wait()

        async def release_when_the_others_are_closed():
            for wire in (idle, half, fresh):
                assert await wire.rest() == ""
            gate.leave.set()

        task = asyncio.create_task(release_when_the_others_are_closed())
    await task
    assert (await busy.rest()).endswith("done")


async def test_an_event_stream_that_awaits_the_stop_ends_with_the_run(app, connect):
    @app.http.get("/events")
    async def events(request: web.Request):
        response = web.StreamResponse()
        await response.prepare(request)
        while not app.stopping:
            await response.write(b"data: {}\n\n")
            await app.stopping
        return response

    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST.replace(b"/ ", b"/events "))
        assert " 200 " in await wire.head()
    assert (await wire.rest()).endswith("data: {}\n\n\r\n0\r\n\r\n")


async def test_a_body_on_its_way_still_arrives(app, connect):
    """aiohttp would stop to listen, and the handler would wait for ever."""

    @app.http.post("/")
    async def take(document: list):
        return document

    async def send_the_rest_when_refused(wire, port):
        while not await refused(port):
            pass
        wire.send(b'1, 2, "three"]')

    async with asyncio.TaskGroup() as group:
        async with app.started():
            wire = await connect(app)
            await wire.announce(15)
            wire.send(b"[")
            group.create_task(send_the_rest_when_refused(wire, app.http.port))
        answer = await wire.rest()
    assert answer.startswith("HTTP/1.1 200 ")
    assert answer.endswith('[1,2,"three"]')


@pytest.mark.parametrize("turns", range(12))
async def test_a_request_that_has_arrived_is_answered(app, connect, turns):
    """Whatever turn of the loop the end comes at, it does not fall between two."""

    @app.http.post("/")
    async def take(document: list):
        return document

    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST.replace(b"/ ", b"/none "))
        assert " 404 " in await wire.head()
        assert await wire.exactly(14) == b"404: Not Found"
        wire.send(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\n\r\n[]"
        )
        for _ in range(turns):
            await asyncio.sleep(0)
    assert (await wire.rest()).endswith("[]")


async def test_an_answer_that_is_not_read_yet_is_waited_for(app, connect):
    count = 20_000_000
    answered = asyncio.Event()
    transports = []

    @app.http.get("/large")
    async def large(request):
        transports.append(request.transport)
        request.transport.set_write_buffer_limits(2 * count)
        answered.set()
        return b"x" * count

    async def read_when_refused(wire, port):
        while not await refused(port):
            pass
        wire.writer.transport.resume_reading()
        await wire.head()
        return len(await wire.rest())

    async with asyncio.TaskGroup() as group:
        async with app.started():
            wire = await connect(app)
            wire.writer.transport.pause_reading()
            wire.send(REQUEST.replace(b"/ ", b"/large "))
            await answered.wait()
            reading = group.create_task(read_when_refused(wire, app.http.port))
        assert transports[0].get_write_buffer_size() == 0
    assert reading.result() == count


async def test_a_server_whose_context_fails_cancels_its_handlers(gate, monkeypatch):
    application = web.Application()

    async def handler(request):
        return web.Response(text=await gate())

    application.router.add_get("/", handler)
    with pytest.raises(KeyError):
        async with Server(application, Settings.load()).listening() as url:
            _, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(REQUEST)
            await gate.entered.wait()
            raise KeyError
    assert gate.cancelled
    writer.transport.abort()


async def test_cancels_what_still_runs_at_the_deadline(hurried, gate, connect):
    with pytest.raises(DrainTimeout, match="ASYNCWORKER_SHUTDOWN_TIMEOUT"):
        async with hurried.started():
            wire = await connect(hurried)
            wire.send(REQUEST)
            await gate.entered.wait()
    assert gate.cancelled
    assert await wire.rest() == ""


async def test_a_handler_whose_client_has_left_is_waited_for(app, gate, connect):
    async with app.started():
        wire = await connect(app)
        wire.send(REQUEST)
        await gate.entered.wait()
        wire.writer.transport.abort()
        asyncio.get_running_loop().call_later(0.05, gate.leave.set)
    assert gate.leave.is_set()
    assert not gate.cancelled


async def test_a_handler_whose_client_has_left_is_cancelled_at_the_deadline(hurried, gate, connect):
    with pytest.raises(DrainTimeout):
        async with hurried.started():
            wire = await connect(hurried)
            wire.send(REQUEST)
            await gate.entered.wait()
            wire.writer.transport.abort()
    assert gate.cancelled


async def test_a_body_that_does_not_come_is_given_up_at_the_deadline(hurried, connect):
    @hurried.http.post("/")
    async def take(document: list): ...

    with pytest.raises(DrainTimeout):
        async with hurried.started():
            wire = await connect(hurried)
            await wire.announce(15)
    assert await wire.rest() == ""


async def test_a_handler_that_ignores_its_cancellation_is_abandoned(
    hurried, connect, logs, monkeypatch
):
    monkeypatch.setattr("asyncworker.http.serving.server.CANCEL_GRACE", 0.1)
    entered, leave = asyncio.Event(), asyncio.Event()
    tasks = []

    @hurried.http.get("/deaf")
    async def deaf():
        tasks.append(asyncio.current_task())
        entered.set()
        while not leave.is_set():
            try:
                await leave.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(DrainTimeout):
        async with hurried.started():
            wire = await connect(hurried)
            wire.send(REQUEST.replace(b"/ ", b"/deaf "))
            await entered.wait()
    assert logs.matching("abandoned 1 handler that would not be cancelled")
    leave.set()
    await asyncio.wait(tasks)


async def test_a_run_that_fails_does_not_wait_for_handlers(app, gate, connect):
    class Failure(Exception):
        pass

    with pytest.raises(Failure):
        async with app.started():
            wire = await connect(app)
            wire.send(REQUEST)
            await gate.entered.wait()
            gate.leave.set()
            raise Failure


async def test_what_is_left_of_a_body_nobody_reads_holds_nothing_up(app, connect):
    @app.http.post("/")
    async def refuse(request):
        return "no", 403

    async with app.started():
        wire = await connect(app)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert " 403 " in await wire.head()
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 5


async def test_leaves_no_task_behind(hurried, gate, connect):
    before = asyncio.all_tasks()
    with pytest.raises(DrainTimeout):
        async with hurried.started():
            wires = [await connect(hurried) for _ in range(10)]
            for number, wire in enumerate(wires):
                wire.send(REQUEST[: len(REQUEST) - number % 2])
            await gate.entered.wait()
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


@pytest.mark.parametrize("turns", range(0, 40, 2))
async def test_stops_at_any_moment_under_load(app, gate, turns):
    gate.leave.set()
    before = asyncio.all_tasks()

    async def ask(client, url):
        answers = []
        while True:
            try:
                async with client.get(url) as response:
                    answers.append((response.status, await response.text()))
            except ClientConnectionError:
                return answers

    async with asyncio.timeout(60), ClientSession() as client:
        async with app.started():
            asking = [asyncio.create_task(ask(client, app.http.url)) for _ in range(10)]
            await gate.entered.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
        answers = [answer for task in asking for answer in await task]
    assert set(answers) <= {(200, "done")}
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before
