"""Messages that the broker keeps for a while before anybody gets them; it ends by itself."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
REMINDERS = Queue("example-reminders", type="quorum")

app = App(connections=[AMQPConnection(url=URL)])


@app.route([REMINDERS], type=RouteTypes.AMQP_RABBITMQ)
async def remind(messages):
    for message in messages:
        print(message.body, flush=True)
        app["left"].discard(message.body)
        if not app["left"]:
            app["done"].set()


async def main():
    app["left"], app["done"] = {"now", "in half a second", "at that moment"}, asyncio.Event()
    put = app["rabbitmq_connection"].put
    async with app.started():
        moment = datetime.now(UTC) + timedelta(seconds=1.5)
        await put("at that moment", REMINDERS.name, at=moment)
        await put("in half a second", REMINDERS.name, delay=0.5)
        await put("now", REMINDERS.name)
        await app["done"].wait()
        late = (datetime.now(UTC) - moment).total_seconds()
        print("in time" if 0 <= late < 5 else f"{late:.3f} s late", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
