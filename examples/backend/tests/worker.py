"""What the drills break: a worker that writes down which messages it began and ended with."""

import asyncio
import os
from pathlib import Path

from asyncworker import App, Options
from asyncworker.connections import RedisConnection

app = App(connections=[RedisConnection(claim_after=float(os.environ.get("CLAIM_AFTER", "60")))])
record = Path(os.environ["RECORD"])
seconds = float(os.environ.get("SECONDS", "0"))


@app.route(
    ["orders"], options={Options.BULK_SIZE: 20, Options.BULK_FLUSH_INTERVAL: 0.1}, group="billing"
)
async def handle(messages):
    note("begun", messages)
    await asyncio.sleep(seconds)
    note("handled", messages)


def note(event, messages):
    with record.open("a") as file:
        file.write("".join(f"{event} {message.id}\n" for message in messages))


if __name__ == "__main__":
    app.run()
