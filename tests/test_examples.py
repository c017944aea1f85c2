"""Examples, as a user runs them."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.waiting import until
from tests.faults.worker import Worker

EXAMPLES = Path(__file__).parent.parent / "examples"
LIMIT = 60.0


async def output_of(name, url):
    """Run an example against a broker; return the lines that it printed, and what it logged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / name,
        env=os.environ | {"ASYNCWORKER_AMQP_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode().splitlines(), errors.decode()


async def test_the_topology_is_declared_and_used(private_node):
    printed, logged = await output_of("topology.py", private_node.url)
    assert logged == ""
    assert sorted(printed) == [
        "dead letter: broken",
        "order.created: broken",
        "order.created: tea",
    ]


async def test_the_retries_are_tried_and_given_up(private_node):
    printed, logged = await output_of("retries.py", private_node.url)
    assert logged.count("gave up on 1 message after 3 attempts: reject") == 1
    assert sorted(printed) == [
        "is too early: attempt 1",
        "is too early: attempt 2",
        "makes no sense: attempt 1",
        "makes no sense: dead",
        "never succeeds: attempt 1",
        "never succeeds: attempt 2",
        "never succeeds: attempt 3",
        "never succeeds: dead",
        "succeeds at last: attempt 1",
        "succeeds at last: attempt 2",
        "succeeds at last: attempt 3",
    ]


@pytest.mark.parametrize("where", ["memory", "rabbitmq"])
async def test_the_demo_shows_messages_until_ctrl_c(where, request, tmp_path):
    url = "" if where == "memory" else request.getfixturevalue("amqp_url")
    environment = {"ASYNCWORKER_AMQP_URL": url}
    script = EXAMPLES / "demo.py"
    async with Worker.started(script, tmp_path / "record", environment) as demo:
        await until(lambda: sum("handled" in line for line in demo.output) > 1, "two messages")
        demo.send(signal.SIGINT)
        assert await demo.end() == 0
    assert {entry["level"] for entry in demo.log} == {"INFO"}
    assert demo.output[-1].startswith("done: ")
