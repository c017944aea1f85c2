"""An app against its own document: it takes what that allows, and answers as that says."""

import asyncio
import os
import sys
from pathlib import Path

import uv

from tests.faults.worker import Worker

SHOP = Path(__file__).with_name("shop.py")
# In an environment of its own: what it needs would raise the lowest versions that are tested.
SCHEMATHESIS = ("tool", "run", "--python", sys.executable, "schemathesis@4.32.5")
EXAMPLES = "25"
"""For each operation and phase: a few hundred requests, the same ones each time."""


async def test_schemathesis_finds_nothing(tmp_path):
    environment = {"ASYNCWORKER_HTTP_PORT": "0"}
    async with Worker.started(SHOP, tmp_path / "record", environment) as worker:
        url = f"http://127.0.0.1:{await worker.port()}"
        fuzzing = await asyncio.create_subprocess_exec(
            *(uv.find_uv_bin(), *SCHEMATHESIS, "run", f"{url}/-/openapi.json"),
            *("--checks", "all", "--max-examples", EXAMPLES, "--generation-deterministic"),
            cwd=tmp_path,
            env=os.environ | {"NO_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await fuzzing.communicate()
        assert fuzzing.returncode == 0, output.decode()
        assert "No issues found" in output.decode()
        assert [line for line in worker.log if line["level"] in ("ERROR", "CRITICAL")] == []
