"""Secrets stay where the user put them: no log, repr, traceback or page shows one."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, web

from tests.faults.worker import WORKERS, Worker

SECRET = 's3cret/?#@%" é'
QUOTED = quote(SECRET, safe="")
FAILURE = "what a handler's exception says"
OTHERS_OF_MONITOR = (("/metrics", 200), ("/status", 200), ("/status.json", 200), ("/s3cret", 404))


@asynccontextmanager
async def refusing_server():
    """Lets nobody in. Offers its address."""

    async def refuse(request):
        return web.Response(status=401)

    application = web.Application()
    application.router.add_get("/{path:.*}", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_worker_that_may_not_log_in_shows_no_secret(private_node, tmp_path):
    async with refusing_server() as streams:
        environment = {
            "SECRET": SECRET,
            "QUOTED": QUOTED,
            "BROKER": f"127.0.0.1:{private_node.port}",
            "STREAMS": streams,
            "FAILURE": FAILURE,
            "ASYNCWORKER_HTTP_PORT": "0",
            "ASYNCWORKER_MONITOR_PORT": "0",
            "ASYNCWORKER_LOGLEVEL": "DEBUG",
            "PYTHONASYNCIODEBUG": "1",
        }
        script, record = WORKERS / "secretive.py", tmp_path / "record"
        async with Worker.started(script, record, environment) as worker:
            for refused in (
                "the broker refuses user 'by-url' or its password",
                "the broker refuses user 'by-keywords' or its password",
                "cannot connect to amqp://nobody@127.0.0.1:1",
                f"stream http://{streams}/login/events?...: the server answered 401",
                f"stream http://{streams}/header/events?...: the server answered 401",
            ):
                await worker.logged(refused)
            await worker.logged("put() failed")
            port = await worker.port()
            pages = await look_at_pages(port)
            await send_nonsense(port)
            await worker.logged("a client was refused")
            monitor = await worker.logged("monitor: http://")
            told = await look_at_monitor(monitor["msg"].removeprefix("monitor: "))
            worker.send(signal.SIGTERM)
            assert await worker.end() == 0
    shown = "\n".join([*map(str, worker.log), *worker.output])
    assert "AMQPConnection(" in shown
    # What the libraries themselves say is part of it.
    assert {"aiormq.connection", "asyncio"} <= {entry["logger"] for entry in worker.log}
    assert FAILURE in shown
    assert FAILURE not in pages
    for secret in ("s3cret", base64.b64encode(f"by-url:{SECRET}".encode()).decode()):
        assert secret not in shown
        assert secret not in pages
        assert secret not in told


async def look_at_monitor(url):
    """What the worker tells whoever asks how it stands."""
    async with ClientSession(url) as client:
        told = ""
        for path, status in (("/health/live", 200), ("/health/ready", 503), *OTHERS_OF_MONITOR):
            async with client.get(path, headers={"Authorization": "s3cret"}) as response:
                assert response.status == status
                told += f"{response.headers}{await response.text()}"
        async with client.get("/status/events?key=s3cret") as response:
            told += f"{response.headers}{await response.content.readline()}"
    # It is not that it told nothing.
    for known in ("login/events", "the broker refuses user 'by-url'", FAILURE):
        assert known in told
    return told


async def look_at_pages(port):
    """What the worker tells clients about its errors, and about theirs."""
    async with ClientSession(f"http://127.0.0.1:{port}") as client:
        pages = ""
        for path, status in (("/1", 500), ("/s3cret", 400), ("/no/such/page", 404)):
            async with client.get(path, headers={"Authorization": "s3cret"}) as response:
                assert response.status == status
                pages += f"{response.headers}{await response.text()}"
        return pages


async def send_nonsense(port):
    """A header that no server takes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: s3cret\1\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b" 400 " in answer.splitlines()[0]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AMQPConnection(url=f'amqp://me:{secret}@a/')", "url has an @ behind its hosts"),
        ("SSEConnection(f'http://me:{secret}@a/')", "url is not well formed"),
        ("App(connections=[f'amqp://me:{secret}@a/'])", "got a URL"),
    ],
)
def test_a_configuration_that_cannot_work_shows_no_secret(code, reason):
    lines = [
        "import os",
        "from asyncworker import App",
        "from asyncworker.connections import AMQPConnection, SSEConnection",
        "secret = os.environ['SECRET']",
        code,
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "asyncworker.errors.ConfigurationError: " in done.stderr.splitlines()[-1]
    assert reason in done.stderr.splitlines()[-1]
    assert "s3cret" not in done.stderr
