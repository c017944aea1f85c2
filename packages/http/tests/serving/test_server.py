"""Where an app listens, and when it does not."""

import asyncio
import socket

import pytest
from aiohttp import ClientSession

from asyncworker.errors import AsyncWorkerError
from asyncworker.http import CannotListen, NotServing


async def hello():
    return "hello"


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def can_connect(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_the_free_port_it_took_is_logged_and_can_be_read(app, logs):
    app.http.get("/")(hello)
    async with app.started():
        assert app.http.port > 0
        assert app.http.url == f"http://127.0.0.1:{app.http.port}"
        await logs.wait(f"listening on {app.http.url}")
        async with ClientSession() as client, client.get(app.http.url) as response:
            assert await response.text() == "hello"


async def test_the_port_that_is_set_is_taken(app, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", str(port))
    app.http.get("/")(hello)
    async with app.started():
        assert app.http.port == port


async def test_other_hosts_can_be_set(app, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_HOST", "::1")
    app.http.get("/")(hello)
    try:
        async with app.started():
            assert app.http.url == f"http://[::1]:{app.http.port}"
            async with ClientSession(app.http.url) as client, client.get("/") as response:
                assert response.status == 200
    except CannotListen:
        pytest.skip("this machine has no IPv6")


async def test_there_is_no_address_before_the_run_and_after_it(app):
    app.http.get("/")(hello)
    for _ in range(2):
        with pytest.raises(NotServing, match="ask while it runs"):
            _ = app.http.url
        with pytest.raises(NotServing):
            _ = app.http.port
        async with app.started():
            port = app.http.port
        assert not can_connect(port)


async def test_no_server_without_a_route(app, logs):
    http = app.http
    async with app.started():
        with pytest.raises(NotServing):
            _ = http.port
    assert logs.matching("listening") == []


async def test_a_taken_port_is_one_clear_error(app, monkeypatch, taken):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", str(taken))
    app.http.get("/")(hello)
    ended = []
    app.run_on_shutdown(lambda app: ended.append(True))
    with pytest.raises(CannotListen) as caught:
        async with app.started():
            pytest.fail("it started")
    assert str(caught.value) == (
        f"127.0.0.1:{taken} is taken: stop what listens there, or set ASYNCWORKER_HTTP_PORT "
        "to another port (0 takes a free one)"
    )
    assert isinstance(caught.value, AsyncWorkerError)
    assert ended == [True]


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_cannot_be_had_is_one_clear_error(app, monkeypatch, host):
    monkeypatch.setenv("ASYNCWORKER_HTTP_HOST", host)
    app.http.get("/")(hello)
    with pytest.raises(CannotListen, match=f"^cannot listen on {host}:0: .*: set ASYNCWORKER_HT"):
        async with app.started():
            pytest.fail("it started")


async def test_an_app_runs_serves_and_stops_and_runs_again(process):
    script = """
    import asyncio
    import threading
    import urllib.request
    from asyncworker import App

    app = App()

    @app.http.get("/{name}")
    async def index(name: str):
        return f"hello {name}"

    @app.run_on_startup
    async def start(app):
        app["runs"] = app.get("runs", 0) + 1
        # On a busy machine anything is slow; debug mode is here for what it forbids.
        asyncio.get_running_loop().slow_callback_duration = float("inf")

    def ask():
        while True:
            try:
                url = app.http.url
            except Exception:
                continue
            break
        print(urllib.request.urlopen(f"{url}/{app['runs']}").read().decode(), flush=True)
        app.shutdown()

    for _ in range(2):
        thread = threading.Thread(target=ask)
        thread.start()
        app.run()
        thread.join()
    """
    code, output, errors = await process(script, PYTHONWARNINGS="error", PYTHONASYNCIODEBUG="1")
    lines = [line for line in output.splitlines() if not line.startswith("{")]
    assert (code, lines, errors) == (0, ["hello 1", "hello 2"], "")


async def test_can_be_started_again(app, serving):
    app.http.get("/")(hello)
    for _ in range(3):
        async with serving(app) as client, client.get("/") as response:
            assert await response.text() == "hello"


async def test_leaves_no_task_behind(app, serving):
    app.http.get("/")(hello)
    before = asyncio.all_tasks()
    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == "hello"
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


async def test_requests_are_logged_when_that_is_asked_for(app, serving, logs, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_ACCESS_LOG", "true")
    app.http.get("/")(hello)
    async with serving(app) as client, client.get("/") as response:
        assert response.status == 200
    assert '"GET / HTTP/1.1" 200' in (await logs.wait("GET /")).getMessage()


async def test_requests_are_not_logged_otherwise(app, serving, logs):
    app.http.get("/")(hello)
    async with serving(app) as client, client.get("/") as response:
        assert response.status == 200
    assert logs.matching("GET") == []
