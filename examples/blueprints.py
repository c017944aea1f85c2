"""An app of two parts, each declared without it; in an app of yours they are modules."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientSession

from asyncworker import App, Blueprint, Options
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

orders = Blueprint(options={Options.TIMEOUT: 30})
report = Blueprint(prefix="/report")


class Totals(dict):
    """Stand for a database."""


@orders.resource
async def totals() -> AsyncIterator[Totals]:
    yield Totals()


@orders.route([Queue("orders")])
async def store(order: dict[str, int], totals: Totals, app: App):
    for product, amount in order.items():
        totals[product] = totals.get(product, 0) + amount
    app["left"].release()


@report.middleware
async def counted(call, call_next):
    print(f"asked for {call.request.path}", flush=True)
    return await call_next()


@report.http.get("/totals")
async def answer(totals: Totals):
    return dict(totals)


app = App(connections=[AMQPConnection(url="memory://")])
app.include(orders)
app.include(report, prefix="/v1")


async def main():
    app["left"] = asyncio.Semaphore(0)
    async with app.started(), ClientSession(app.http.url) as client:
        for order in ({"tea": 2}, {"milk": 1, "tea": 1}):
            await app["rabbitmq_connection"].put(order, "orders")
            await app["left"].acquire()
        async with client.get("/v1/report/totals") as response:
            print(await response.text(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
