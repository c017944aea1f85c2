"""An app that has something to tell: it works, it fails, it waits."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Final

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

if TYPE_CHECKING:
    from asyncworker.rabbitmq import RabbitMQMessage

FAILS: Final = 40
"""One invoice of so many is not sent."""


def shop() -> App:
    """Return an app whose broker is in its process."""
    broker = AMQPConnection(url="memory://shop", name="shop")
    app = App(connections=[broker])
    app.route([Queue("orders")], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 20})(
        store_orders
    )
    app.route([Queue("invoices")], type=RouteTypes.AMQP_RABBITMQ)(send_invoices)
    # Nobody declares its queue.
    app.route(["refunds"], type=RouteTypes.AMQP_RABBITMQ)(pay_refunds)
    app.run_every(0.05)(sell)
    app.run_every(3600)(count_stock)
    app["broker"] = broker
    app["numbers"] = count(1)
    return app


async def store_orders(messages: list[RabbitMQMessage]) -> None:
    """Take longer for more."""
    await asyncio.sleep(0.02 * len(messages))


async def send_invoices(messages: list[RabbitMQMessage]) -> None:
    """Fail now and then."""
    for message in messages:
        if message.body["number"] % FAILS == 0:
            message.reject(requeue=False)
            raise ConnectionError("smtp.example.com does not answer")


async def pay_refunds(messages: list[RabbitMQMessage]) -> None:
    """Never be called."""


async def sell(app: App) -> None:
    """Publish orders, more and less of them in turn, and an invoice."""
    number = next(app["numbers"])
    for queue in ["orders"] * (2 + number // 50 % 5) + ["invoices"]:
        await app["broker"].put({"number": number}, routing_key=queue)


async def count_stock(app: App) -> None:
    """Take until the end of the run."""
    await app.stopping
