"""What becomes of the memory that starting took."""

import platform

import pytest

WASTEFUL = """
import asyncio
from pathlib import Path

from asyncworker import App

app = App()
kept = []


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(size) * 1024


@app.run_on_startup
def waste(app):
    pieces = [bytes(1000) for _ in range(50_000)]
    # At the end of the heap: what is before it cannot be returned by making the heap smaller.
    kept.append(bytes(1000))
    del pieces
    kept.append(resident())


@app.run_every(1000)
async def end():
    while resident() > kept[-1] - 40_000_000:
        await asyncio.sleep(0.01)
    app.shutdown()


app.run()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library can be asked")
async def test_what_starting_took_and_nobody_needs_is_given_back(worker):
    process = await worker(WASTEFUL)
    result = await process.end()
    assert (result.code, result.log) == (0, [])
