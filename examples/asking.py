"""Questions over the broker, and who answers them; it ends by itself."""

import asyncio
import os

from asyncworker import Actions, App, Events, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import AskFailed, Queue, Retry

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
PRICES = {"tea": 4, "milk": 2}

rabbit = AMQPConnection(url=URL)
app = App(connections=[rabbit])


@app.route(
    [Queue("example-prices")],
    type=RouteTypes.AMQP_RABBITMQ,
    replies=True,
    options={
        Events.ON_EXCEPTION: {
            ConnectionError: Retry(attempts=3, delay=0.2, factor=1),
            KeyError: Actions.REJECT,
        }
    },
)
async def price(messages):
    (message,) = messages
    if message.body == "milk" and message.attempt < 3:
        raise ConnectionError("the cow is away")
    return {"product": message.body, "price": PRICES[message.body]}


async def ask(product):
    try:
        answer = await rabbit.ask(product, "example-prices", timeout=10)
    except AskFailed as error:
        return f"{product}: {error.type} {error.message}"
    return f"{answer.body['product']}: {answer.body['price']}"


async def main():
    async with app.started():
        for line in await asyncio.gather(*map(ask, ["tea", "milk", "gold"])):
            print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
