"""Examples that end by themselves, as a user runs them."""

import asyncio
import os
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
LIMIT = 60.0


async def output_of(name, url):
    """Run an example against a broker; return what it printed, line by line."""
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
    assert (process.returncode, errors.decode()) == (0, "")
    return output.decode().splitlines()


async def test_the_topology_is_declared_and_used(private_node):
    printed = await output_of("topology.py", private_node.url)
    assert sorted(printed) == [
        "dead letter: broken",
        "order.created: broken",
        "order.created: tea",
    ]
