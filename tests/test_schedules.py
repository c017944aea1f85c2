"""What runs by the clock, as a user runs it."""

import asyncio
import signal
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "every.py"
LIMIT = 60.0


async def test_the_example_runs_by_the_clock_until_it_is_told_to_stop():
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    awaited = {"run 1", "run 2", "run 3", "half a second later", "an even second"}
    try:
        async with asyncio.timeout(LIMIT):
            while awaited:
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                awaited.discard(line.strip())
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, errors) == (0, b"")
