"""Handlers that say what they need: bodies as types, a header, a resource; it ends by itself."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from asyncworker import App, Header, Options
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue, RabbitMQMessage

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
ORDERS = Queue("example-typed-orders", dead_letter=True)
READINGS = Queue("example-typed-readings")

app = App(connections=[AMQPConnection(url=URL)])


class Order(BaseModel):
    product: str
    amount: int = Field(gt=0)


@dataclass
class Reading:
    celsius: float


class Ledger(list):
    """Stand for a database."""


@app.resource
async def ledger() -> AsyncIterator[Ledger]:
    ledger = Ledger()
    print("the ledger is open", flush=True)
    yield ledger
    print(f"the ledger is closed: {sorted(ledger)}", flush=True)


@app.route([ORDERS])
async def store(order: Order, tenant: Annotated[str, Header("x-tenant")], ledger: Ledger, app: App):
    ledger.append(f"{tenant} orders {order.amount} {order.product}")
    app["left"].release()


@app.route([READINGS], options={Options.BULK_SIZE: 2})
async def average(readings: list[Reading], app: App):
    print(f"{sum(each.celsius for each in readings) / len(readings):.1f} °C", flush=True)
    app["left"].release()


@app.route([f"{ORDERS.name}.dead"])
async def lament(message: RabbitMQMessage, app: App):
    print(f"no order, or nobody's: {message.raw_body.decode()}", flush=True)
    app["left"].release()


async def main():
    app["left"] = asyncio.Semaphore(0)
    put = app["rabbitmq_connection"].put
    async with app.started():
        await put({"product": "tea", "amount": 2}, ORDERS.name, headers={"x-tenant": "acme"})
        await put(Order(product="milk", amount=1), ORDERS.name, headers={"x-tenant": "acme"})
        await put({"product": "tea", "amount": 0}, ORDERS.name, headers={"x-tenant": "acme"})
        await put({"product": "tea", "amount": 1}, ORDERS.name)
        for celsius in (20, 21):
            await put(Reading(celsius), READINGS.name)
        for _ in range(5):
            await app["left"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
