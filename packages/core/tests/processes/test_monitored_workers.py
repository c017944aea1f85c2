"""`asyncworker run --workers N` with a monitor: whichever process answers, it tells of all."""

import asyncio
import json
import os
import re
import signal
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp import ClientSession

from packages.core.tests.waiting import LIMIT

SHOP = """
import os, time
from pathlib import Path
from asyncworker import App, RouteTypes
from asyncworker.connections import KafkaConnection

while Path("late").exists():
    time.sleep(0.01)
app = App(connections=[KafkaConnection(items=[1])])

@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(items):
    pass

@app.run_every(0.02)
async def look():
    while Path(f"block {os.getpid()}").exists():
        time.sleep(0.01)
"""
UP = re.compile(r'^asyncworker_worker_up\{worker="(\d)"\} (\d)$', re.MULTILINE)


class Monitor:
    """The monitor of a parent's processes."""

    def __init__(self, parent, client):
        self.parent = parent
        self._client = client

    async def json(self, path):
        async with self._client.get(path) as response:
            return response.status, await response.json()

    async def metrics(self):
        async with self._client.get("/metrics") as response:
            assert response.status == 200
            return await response.text()

    async def until(self, path, is_enough):
        """Ask until an answer is enough, and return it."""
        async with asyncio.timeout(LIMIT):
            while not is_enough(*(answer := await self.json(path))):
                pass
        return answer

    async def all_ready(self):
        return await self.until("/health/ready", lambda status, _: status == 200)


@pytest.fixture
def folder():
    """Where temporary files go: a path that is short enough for sockets."""
    with TemporaryDirectory(prefix="sockets-") as folder:
        yield Path(folder)


@pytest.fixture
async def monitored(command, folder):
    """Run three processes, and wait until all are ready."""
    clients = []

    async def monitored(**environment):
        parent = await command(
            SHOP,
            *("run", "shop", "--workers", "3"),
            ASYNCWORKER_MONITOR_PORT="0",
            **{"TMPDIR": str(folder), **environment},
        )
        url = json.loads(await parent.printed("monitor: http://"))["msg"].removeprefix("monitor: ")
        clients.append(ClientSession(url))
        monitor = Monitor(parent, clients[-1])
        await monitor.all_ready()
        return monitor

    yield monitored
    for client in clients:
        await client.close()


async def ended(monitor):
    monitor.parent.send(signal.SIGTERM)
    result = await monitor.parent.end()
    assert result.code == 0
    return result


async def test_one_answer_tells_of_all_processes(monitored):
    monitor = await monitored()
    for _ in range(6):
        _, health = await monitor.json("/health/ready")
        assert list(health["workers"]) == ["1", "2", "3"]
        assert all(one["ready"] for one in health["workers"].values())
        text = await monitor.metrics()
        assert UP.findall(text) == [("1", "1"), ("2", "1"), ("3", "1")]
        for worker in "123":
            assert re.search(
                rf'^asyncworker_schedule_runs_total{{.*worker="{worker}"', text, re.MULTILINE
            )
        _, status = await monitor.json("/status.json")
        assert len({one["process"] for one in status["processes"]}) == 3
    await ended(monitor)


async def test_a_process_that_is_being_replaced_is_named_and_fails_no_scrape(monitored, tmp_path):
    monitor = await monitored()
    _, status = await monitor.json("/status.json")
    (tmp_path / "late").touch()
    os.kill(status["processes"][1]["process"], signal.SIGKILL)
    _, health = await monitor.until("/health/ready", lambda status, _: status == 503)
    [problem] = health["problems"]
    assert re.fullmatch(r"worker \d is not there now", problem)
    gone = problem.split()[1]
    assert await monitor.json("/health/live") == (200, {"live": True, "problems": []})
    assert (gone, "0") in UP.findall(await monitor.metrics())
    _, status = await monitor.json("/status.json")
    assert {"subject": f"worker {gone}", "reason": "is not there now"} in status["problems"]
    (tmp_path / "late").unlink()
    await monitor.all_ready()
    assert (gone, "1") in UP.findall(await monitor.metrics())
    await ended(monitor)


async def test_a_process_whose_loop_is_blocked_is_named_within_a_second(monitored, tmp_path):
    monitor = await monitored()
    _, status = await monitor.json("/status.json")
    block = tmp_path / f"block {status['processes'][2]['process']}"
    block.touch()
    _, health = await monitor.until("/health/ready", lambda status, _: status == 503)
    [problem] = health["problems"]
    assert re.fullmatch(r"worker \d does not answer within 0.5 s", problem)
    assert await monitor.json("/health/live") == (503, {"live": False, "problems": [problem]})
    assert sorted(up for _, up in UP.findall(await monitor.metrics())) == ["0", "1", "1"]
    block.unlink()
    await monitor.all_ready()
    await ended(monitor)


async def test_their_sockets_are_private_and_gone_at_the_end(monitored, folder):
    monitor = await monitored()
    [private] = folder.glob("asyncworker-*")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert sorted(one.name for one in private.iterdir()) == ["1", "2", "3"]
    await ended(monitor)
    assert not private.exists()


async def test_without_a_folder_a_monitored_app_says_what_to_set(command, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    parent = await command(
        SHOP, "run", "shop", "--workers", "2", ASYNCWORKER_MONITOR_PORT="0", TMPDIR=str(folder)
    )
    result = await parent.end()
    assert result.code == 1
    [message] = result.messages
    assert "need a folder for their sockets: set TMPDIR to one that can be written to" in message


async def test_without_a_monitor_no_folder_is_needed(command, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    parent = await command(SHOP, "run", "shop", "--workers", "2", TMPDIR=str(folder))
    await parent.printed('"started; routes')
    parent.send(signal.SIGTERM)
    assert (await parent.end()).code == 0
