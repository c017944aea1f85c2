"""Dead letters that say why, after attempts at once and later; it ends by itself."""

import asyncio
import os

from asyncworker import App, Events, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue, RabbitMQMessage, Retry

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
BILLS = Queue("example-bills", dead_letter=True)

app = App(connections=[AMQPConnection(url=URL)])


@app.route(
    [BILLS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={Events.ON_EXCEPTION: Retry(attempts=3, now=1, delay=0.2)},
    dead_letter_traceback=True,
)
async def pay(message: RabbitMQMessage[dict[str, int]]):
    print(f"{message.body}: attempt {message.attempt}", flush=True)
    if not message.body["amount"]:
        raise ValueError("nothing to pay")
    if message.attempt == 1:
        raise ConnectionError("the bank does not answer at once")
    app["ended"].release()


@app.route(["example-bills.dead"], type=RouteTypes.AMQP_RABBITMQ)
async def lament(messages):
    for message in messages:
        told = {name.removeprefix("x-asyncworker-"): of for name, of in message.headers.items()}
        print(f"{message.body}: {told['error']!r} after {told['attempts']} attempts", flush=True)
        print(told["traceback"].splitlines()[-2].strip(), flush=True)
        app["ended"].release()


async def main():
    app["ended"] = asyncio.Semaphore(0)
    bills = [{"amount": 7}, {"amount": 0}]
    async with app.started():
        for bill in bills:
            await app["rabbitmq_connection"].put(bill, routing_key=BILLS.name)
        for _ in bills:
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
