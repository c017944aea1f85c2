"""Answers that are sent while they are made: a table row by row, and events as they happen.

    curl http://127.0.0.1:8080/squares?count=5
    curl --no-buffer http://127.0.0.1:8080/ticks

In a browser, `new EventSource("/ticks")` follows the events, and goes on after a restart.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from asyncworker import App, Header
from asyncworker.http import SSEEvent

app = App()


@app.http.get("/squares")
async def squares(count: int = 1000) -> AsyncIterator[str]:
    yield "number,square\n"
    for number in range(count):
        yield f"{number},{number**2}\n"


@app.http.get("/ticks")
async def ticks(
    last_event_id: Annotated[str | None, Header("last-event-id")] = None,
) -> AsyncIterator[SSEEvent]:
    number = int(last_event_id or 0)
    try:
        while True:
            number += 1
            yield SSEEvent("tick", f"this is tick {number}", id=str(number))
            await asyncio.sleep(0.1)
    finally:
        print(f"left at {number}", flush=True)


if __name__ == "__main__":
    app.run()
