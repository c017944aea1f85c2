"""Orders that become invoices, and a line in a book; it ends by itself."""

import asyncio
import os

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message, Queue, RabbitMQMessage

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
ORDERS = Queue("example-sales", dead_letter=True)
INVOICES = Queue("example-invoices")
BOOK = Queue("example-book")

app = App(connections=[AMQPConnection(url=URL)])


@app.route(
    [ORDERS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.BULK_SIZE: 10,
        Options.BULK_FLUSH_INTERVAL: 0.2,
        Events.ON_EXCEPTION: Actions.REJECT,
    },
    publish_to=INVOICES,
)
async def bill(orders: list[RabbitMQMessage]) -> list[Message | None]:
    return [invoice_of(order) for order in orders]


def invoice_of(order: RabbitMQMessage) -> Message | None:
    product, price = order.body["product"], order.body["price"]
    order.put(f"{product} was ordered", routing_key=BOOK.name)
    if not price:
        return None
    if price < 0:
        # No exchange of that name is there: this order counts as one whose handler raised.
        return Message(product, routing_key="refunds", exchange="example-nowhere")
    # The same order makes the same id, should it ever come twice.
    return Message({"product": product, "due": price}, message_id=f"invoice-{product}")


@app.route([INVOICES], type=RouteTypes.AMQP_RABBITMQ)
async def send(messages: list[RabbitMQMessage]) -> None:
    for message in messages:
        print(f"{message.message_id}: {message.body['due']}", flush=True)
        app["ended"].release()


@app.route([BOOK, "example-sales.dead"], type=RouteTypes.AMQP_RABBITMQ)
async def note(messages: list[RabbitMQMessage]) -> None:
    for message in messages:
        print(f"{message.queue}: {message.body}", flush=True)
        app["ended"].release()


async def main() -> None:
    app["ended"] = asyncio.Semaphore(0)
    async with app.started():
        for product, price in {"tea": 4, "sample": 0, "milk": 2, "voucher": -5}.items():
            order = {"product": product, "price": price}
            await app["rabbitmq_connection"].put(order, routing_key=ORDERS.name)
        # Two invoices, four lines in the book, and a dead letter.
        for _ in range(7):
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
