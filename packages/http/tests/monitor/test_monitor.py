"""The monitor on a port of its own: what it answers, and from when to when."""

import asyncio
import socket
import sys
import time
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession

from asyncworker import App, RouteTypes
from asyncworker.cli.checkup import problems_of
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.http import CannotListen, NotServing
from asyncworker.http.monitor.endpoints import MOST_READERS
from asyncworker.testing import TestApp

ANSWER_TIMEOUT = 60
"""Seconds after which a client is cut off that reads nothing, while a run lasts."""
PATHS = ("/health/live", "/health/ready", "/metrics", "/status", "/status.json", "/status/events")


async def tidy():
    pass


async def test_it_is_there_without_an_http_route(app, monitored, got):
    app.run_every(3600)(tidy)
    async with monitored(app) as client:
        assert await got(client, "/health/live") == (200, {"live": True, "problems": []})


async def test_it_is_off_where_no_port_is_set(monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_MONITOR_PORT", raising=False)
    app = App()
    app.run_every(3600)(tidy)
    async with app.started():
        assert app.feed.statistics is None
        with pytest.raises(NotServing, match="set ASYNCWORKER_MONITOR_PORT before the run"):
            _ = app.http.monitor_url


async def test_it_is_ready_when_all_is_and_names_each_route_with_its_state(app, monitored, got):
    before = time.time()
    app.run_every(3600)(tidy)

    @app.http.get("/")
    async def hello():
        pass

    async with monitored(app) as client:
        status, health = await got(client, "/health/ready")
    assert status == 200
    assert (health["ready"], health["phase"], health["problems"]) == (True, "working", [])
    told = {(one["kind"], one["source"]): one for one in health["routes"]}
    assert set(told) == {("http", "GET /"), ("schedule", "every 3600 s")}
    for one in told.values():
        assert (one["state"], one["reason"]) == ("working", None)
        assert before <= one["since"] <= time.time()
    assert told["http", "GET /"]["name"].endswith("hello")


async def test_it_answers_while_the_app_starts_and_while_it_ends(app, monitored, got, limit):
    seen = {}

    async def look(app):
        async with ClientSession(app.http.monitor_url) as client:
            for path in ("/health/live", "/health/ready"):
                seen.setdefault(path, []).append(await got(client, path))

    app.run_on_startup(look)
    app.run_on_shutdown(look)
    app.run_every(3600)(tidy)
    async with asyncio.timeout(limit), app.started():
        pass
    assert [status for status, _ in seen["/health/live"]] == [200, 200]
    answers = seen["/health/ready"]
    assert [status for status, _ in answers] == [503, 503]
    assert [health["phase"] for _, health in answers] == ["starting", "draining"]
    assert [health["problems"] for _, health in answers] == [
        ["the app is starting"],
        ["the app is draining"],
    ]


async def test_a_queue_that_is_missing_is_not_ready_until_it_is_there(app, monitored, got):
    connection = AMQPConnection(url="memory://")
    app = App(connections=[connection])

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def store(messages):
        pass

    async with monitored(app) as client:
        while (answer := await got(client, "/health/ready"))[1]["routes"][0]["state"] == "starting":
            assert answer[0] == 503
        status, health = answer
        assert (status, health["ready"]) == (503, False)
        [problem] = health["problems"]
        assert "store, orders: waiting: the queue does not exist" in problem
        assert health["routes"][0]["reason"] in problem


async def test_a_stream_that_its_server_has_ended_stays_ready(app, monitored, got, streams):
    app = App(connections=[SSEConnection(streams)])

    @app.route(["/events"], type=RouteTypes.SSE)
    async def read(events):
        pass

    async with monitored(app) as client:
        while (answer := await got(client, "/health/ready"))[1]["routes"][0]["state"] == "starting":
            assert answer[0] == 503
    assert answer[0] == 200
    [route] = answer[1]["routes"]
    assert route["state"] == "ended"
    assert "204" in route["reason"]


@pytest.fixture
async def streams(limit):
    """A server whose streams are all over."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_paused_route_is_named_and_stays_ready(app, monitored, got):
    app.run_every(3600)(tidy)
    async with monitored(app) as client:
        [activity] = app.feed.activities
        activity._change("every 3600 s", "paused", "by hand")
        status, health = await got(client, "/health/ready")
    assert status == 200
    assert health["routes"][0]["state"] == "paused"
    assert health["routes"][0]["reason"] == "by hand"


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_can_be_changed(app, monitored, path):
    async with monitored(app) as client:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            async with client.request(method, path) as response:
                assert response.status == 405
                assert response.headers["Allow"] == "GET,HEAD"
        async with client.head(path) as response:
            assert response.status == 200
            assert await response.read() == b""


async def test_answers_are_never_kept(app, monitored):
    async with monitored(app) as client:
        for path in PATHS:
            async with client.get(path) as response:
                assert response.status == 200
                assert response.headers["Cache-Control"] in ("no-store", "no-cache")


async def test_it_counts_what_is_done_and_not_what_it_is_asked(app, monitored, got):
    @app.http.get("/{name}")
    async def hello(name: str):
        return name

    async with monitored(app) as client, ClientSession(app.http.url) as other:
        for _ in range(3):
            async with other.get("/anne") as response:
                assert response.status == 200
        _, status = await got(client, "/status.json")
        async with client.get("/metrics") as response:
            metrics = await response.text()
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    [route] = status["routes"]
    assert (route["handled"], route["sources"][0]["name"]) == (3, "GET /{name}")
    [line] = [one for one in metrics.splitlines() if one.startswith("asyncworker_http_requests_")]
    assert line.endswith("} 3.0")
    assert "anne" not in metrics


async def test_a_second_run_begins_to_count_anew(app, monitored, got):
    @app.http.get("/")
    async def hello():
        pass

    for _ in range(2):
        async with monitored(app) as client, ClientSession(app.http.url) as other:
            async with other.get("/"):
                pass
            _, status = await got(client, "/status.json")
            assert [route["handled"] for route in status["routes"]] == [1]


async def test_metrics_without_prometheus_client_say_what_to_install(app, monitored, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for name in [one for one in sys.modules if one.startswith("asyncworker.metrics")]:
        monkeypatch.delitem(sys.modules, name)
    async with monitored(app) as client, client.get("/metrics") as response:
        assert response.status == 501
        reason = "metrics need prometheus-client: pip install 'asyncworker-core[metrics]'"
        assert await response.json() == {"error": reason}


async def test_the_page_takes_nothing_from_elsewhere(app, monitored):
    async with monitored(app) as client, client.get("/status") as response:
        assert response.content_type == "text/html"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_events_are_snapshots_until_the_end_which_they_do_not_hold_up(app, limit):
    running = asyncio.Event()

    @app.run_every(3600)
    async def work():
        running.set()
        await app.stopping

    async with asyncio.timeout(limit), AppInTask(app) as url, ClientSession(url) as client:
        await running.wait()
        async with client.get("/status/events") as response:
            assert response.content_type == "text/event-stream"
            for _ in range(2):
                line = await response.content.readline()
                assert line.startswith(b'data: {"process":')
                assert await response.content.readline() == b"\n"
            app.shutdown()
            await response.content.read()


class AppInTask:
    """An app at work, whose end the test waits for."""

    def __init__(self, app):
        self._app = app

    async def __aenter__(self):
        started = asyncio.Event()
        self._app.started_hooks.append(lambda _: started.set())
        self._task = asyncio.create_task(self._app.serve())
        await started.wait()
        return self._app.http.monitor_url

    async def __aexit__(self, *_):
        await self._task


async def test_only_so_many_are_sent_events(app, monitored):
    async with monitored(app) as client, AsyncExitStack() as stack:
        for _ in range(MOST_READERS):
            reader = await stack.enter_async_context(client.get("/status/events"))
            await reader.content.readline()
        async with client.get("/status/events") as response:
            assert response.status == 503
            assert await response.json() == {"error": f"{MOST_READERS} clients are sent events"}
        reader.close()
        while True:
            async with client.get("/status/events") as response:
                if response.status == 200:
                    break


async def test_a_client_that_reads_nothing_holds_no_shutdown_up(app, limit):
    app.run_every(3600)(tidy)
    clock = asyncio.get_running_loop().time
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.setblocking(False)
        async with asyncio.timeout(limit), app.started():
            where = ("127.0.0.1", int(app.http.monitor_url.rpartition(":")[2]))
            await asyncio.get_running_loop().sock_connect(client, where)
            client.send(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            # It has no event for a client that stops to read.
            while not app.http._monitor._server._watch.has_unread:  # noqa: ASYNC110
                await asyncio.sleep(0)
            began = clock()
        assert clock() - began < ANSWER_TIMEOUT / 2


async def test_it_has_the_limits_of_the_http_server(monkeypatch, app, limit):
    monkeypatch.setenv("ASYNCWORKER_HTTP_HEADER_TIMEOUT", "0.2")
    monkeypatch.setenv("ASYNCWORKER_HTTP_HEADER_LIMIT", "1000")
    app.run_every(3600)(tidy)
    async with asyncio.timeout(limit), app.started():
        port = int(app.http.monitor_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/live HTTP/1.1\r\n")
        assert await reader.read() == b""
        writer.close()
        async with (
            ClientSession(app.http.monitor_url) as client,
            client.get("/health/live", headers={"X": "y" * 2000}) as response,
        ):
            assert response.status == 400


async def test_a_taken_port_is_one_clear_error(app, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", str(port))
        app = App()
        reason = f"127.0.0.1:{port} is taken: stop what listens there, or set ASYNCWORKER_MONITOR_P"
        with pytest.raises(CannotListen, match=reason):
            async with app.started():
                pass


async def test_a_check_tells_of_a_taken_port(monkeypatch, limit):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", str(port))
        app = App()
        app.run_every(3600)(tidy)
        [problem] = await problems_of(app, limit)
    assert problem.startswith(f"127.0.0.1:{port} is taken")
    assert await problems_of(app, limit) == []


async def test_a_test_of_an_app_has_none(app):
    app.run_every(3600)(tidy)
    async with TestApp(app):
        with pytest.raises(NotServing):
            _ = app.http.monitor_url
    assert app.settings.monitor_port == 0


async def test_it_is_on_the_own_server_of_an_app_too(monkeypatch, serving, got):
    app = App()
    app.http.monitor()

    @app.http.get("/")
    async def hello():
        pass

    async with serving(app) as client:
        async with client.get("/"):
            pass
        for path in PATHS:
            async with client.get(f"/-{path}") as response:
                assert response.status == 200
        status, health = await got(client, "/-/health/ready")
        assert (status, [one["source"] for one in health["routes"]]) == (200, ["GET /"])
        _, snapshot = await got(client, "/-/status.json")
        assert [route["handled"] for route in snapshot["routes"]] == [1]


async def test_the_own_server_may_serve_nothing_else(serving, got):
    app = App()
    app.http.monitor("/internal/monitor")
    async with serving(app) as client:
        assert (await got(client, "/internal/monitor/health/ready"))[0] == 200


@pytest.mark.parametrize("prefix", ["-", "/-/", 7, "/{name}", "/a?b"])
def test_a_prefix_that_cannot_be_is_one_clear_line_at_the_call(prefix):
    with pytest.raises(ConfigurationError, match=r"prefix .*: got "):
        App().http.monitor(prefix)


async def test_a_path_that_is_taken_is_one_clear_line_at_the_call(serving):
    app = App()
    app.http.get("/-/status")(tidy)
    with pytest.raises(ConfigurationError, match="GET /-/status has a handler already"):
        app.http.monitor()
    assert len(app.routes) == 1


async def test_the_paths_of_an_app_are_free_where_the_monitor_has_its_own_port(app, monitored):
    @app.http.get("/status")
    async def status():
        return "mine"

    async with monitored(app) as client, ClientSession(app.http.url) as other:
        async with other.get("/status") as response:
            assert await response.text() == "mine"
        async with client.get("/status") as response:
            assert "mine" not in await response.text()


async def test_middlewares_are_around_it_on_the_own_server_alone(app, monitored, got):
    app.http.monitor()
    seen = []

    @app.middleware
    async def note(call, call_next):
        seen.append(call.request.path)
        return await call_next()

    async with monitored(app) as client, ClientSession(app.http.url) as other:
        await got(client, "/health/live")
        await got(other, "/-/health/live")
    assert seen == ["/-/health/live"]


async def test_it_cannot_be_added_to_a_run(serving):
    app = App()
    app.http.get("/")(tidy)
    async with serving(app):
        with pytest.raises(ConfigurationError, match=r"call monitor\(\) before app.run\(\)"):
            app.http.monitor()
