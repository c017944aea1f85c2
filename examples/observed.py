"""A shop that tells how it does: to probes, Prometheus, a browser, a terminal, and to itself.

pip install 'asyncworker-core[rabbitmq,http,sse,metrics,otel,cli]', and run it:

    ASYNCWORKER_MONITOR_PORT=9000 python examples/observed.py

http://127.0.0.1:9000/status and `asyncworker top http://127.0.0.1:9000` show it, and so does
http://127.0.0.1:8080/-/status. An order of nothing fails, and is tried again.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from prometheus_client import Counter

from asyncworker import App, Events, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.feed import BatchEnded, SourceChanged
from asyncworker.http import SSEEvent
from asyncworker.rabbitmq import Queue, Retry

PORT = os.environ.get("ASYNCWORKER_HTTP_PORT", "8080")

log = logging.getLogger("shop")
earned = Counter("shop_earned", "What orders were billed.")
amounts = count()

amqp = AMQPConnection(url="memory://shop", name="shop")
app = App(connections=[amqp, SSEConnection(url=f"http://127.0.0.1:{PORT}", name="prices")])
app.http.monitor()
app.trace()


@app.http.post("/orders/{amount}")
async def order(amount: int):
    await amqp.put({"amount": amount}, "orders")
    return {"amount": amount}, 202


@app.route(
    [Queue("orders", dead_letter=True)],
    type=RouteTypes.AMQP_RABBITMQ,
    options={Events.ON_EXCEPTION: Retry(attempts=3, delay=1)},
)
async def bill(order: dict[str, Any]):
    if not order["amount"]:
        raise ValueError("nothing to pay")
    log.info("billed")
    earned.inc(order["amount"])


@app.run_every(1)
async def sell():
    await amqp.put({"amount": next(amounts) % 10}, "orders")


@app.http.get("/prices")
async def prices() -> AsyncIterator[SSEEvent]:
    for price in count(4):
        yield SSEEvent("price", str(price))
        await asyncio.sleep(1)


@app.route(["/prices"], type=RouteTypes.SSE)
async def on_price(events):
    log.info("a price of %s", events[0].data)


@app.feed.subscribe(BatchEnded, SourceChanged)
async def report(events):
    for event in events:
        if isinstance(event, SourceChanged):
            print(f"{event.activity.name}, {event.source}: {event.state}", flush=True)
        elif event.error:
            print(f"{event.activity.name} failed: {event.error}", flush=True)


if __name__ == "__main__":
    app.run()
