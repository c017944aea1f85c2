"""What handlers need."""

import asyncio
import os
import time
from itertools import count

PREFETCH = 50
"""That of the `depending` worker."""
DOWN_FOR = float(os.environ.get("DOWN_FOR", "10"))
"""Seconds that the database is down."""
MAX_PAUSE = 2.0
IN_TIME = 1.5
"""Seconds that a try and all that follows takes on a busy machine, behind the longest pause."""
BETWEEN = 0.1
"""Seconds between two times that somebody publishes."""
MOST_CPU = 0.05
"""Of a core, while there is nothing to do."""


async def test_database_down(drill, queues, worker, tmp_path):
    """Database down for long under load, with a breaker: no message is given up."""
    down = tmp_path / "down"
    ids = await queues.publish("drill", range(1000))
    environment = {"DOWN": str(down), "PAUSE": "0.5", "MAX_PAUSE": str(MAX_PAUSE)}
    async with worker("depending", **environment) as process:
        await process.handled(ids)
        down.touch()
        ids = await queues.publish("drill", range(1000, 1100))
        await process.logged("paused for")
        began, worked = time.monotonic(), process.cpu
        for first in count(1100, 20):
            ids |= await queues.publish("drill", range(first, first + 20))
            if time.monotonic() - began > DOWN_FOR:
                break
            await asyncio.sleep(BETWEEN)
        assert (process.cpu - worked) / (time.monotonic() - began) < MOST_CPU
        # One for each try, beside those that handlers were at when it began.
        tries = len(process.entries("tries one message"))
        assert tries <= len(process.notes("failed")) <= PREFETCH + tries
        handled = len(process.notes("handled"))
        down.unlink()
        drill.broken()
        await process.noted("handled", handled + 1)
        drill.recovered()
        await process.handled(ids)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=MAX_PAUSE + IN_TIME)
