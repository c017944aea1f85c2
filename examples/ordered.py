"""Payments of one account one after the other, those of all accounts side by side."""

import asyncio
import os

from asyncworker import App, Events, Options, Rate, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message, Queue, Retry

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
PAYMENTS = Queue("example-payments", dead_letter=True)

app = App(connections=[AMQPConnection(url=URL)])
balances: dict[str, int] = {}


@app.route(
    [PAYMENTS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.ORDER_BY: lambda message: message.body["account"],
        Options.RATE: Rate(100, burst=20),
        Events.ON_EXCEPTION: Retry(attempts=3, delay=0.2),
    },
)
async def book(messages):
    for message in messages:
        account, amount = message.body["account"], message.body["amount"]
        if amount < 0 and message.attempt == 1:
            raise ConnectionError("the bank does not answer")
        balances[account] = balances.get(account, 0) + amount
        print(f"{account}: {amount:+}, which makes {balances[account]}", flush=True)
        app["ended"].release()


async def main() -> None:
    app["ended"] = asyncio.Semaphore(0)
    payments = [("ann", 5), ("ann", -3), ("ann", 1), ("bob", 7), ("bob", 2)]
    async with app.started():
        bodies = [{"account": account, "amount": amount} for account, amount in payments]
        connection = app["rabbitmq_connection"]
        await connection.put_many([Message(body, PAYMENTS.name) for body in bodies])
        for _ in payments:
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
