"""Middlewares around messages, requests and schedules, and a hook that is told of errors."""

import asyncio

from aiohttp import ClientSession, web

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

app = App(connections=[AMQPConnection(url="memory://")])
seen = set()


@app.middleware
async def traced(call, call_next):
    kind = call.type.name if call.type else "schedule"
    print(f"> {kind}: {call.route.handler_name}", flush=True)
    try:
        return await call_next()
    finally:
        print(f"< {kind}: {call.route.handler_name}", flush=True)


async def once(call, call_next):
    """Skip a message that came before."""
    (message,) = call.items
    if message.message_id in seen:
        print(f"{message.message_id} came before", flush=True)
    else:
        await call_next()
        seen.add(message.message_id)
    if message.message_id == "last":
        app["handled"].set()


async def guard(call, call_next):
    """Answer only who knows the secret."""
    if call.request.headers.get("Authorization") != "Bearer secret":
        raise web.HTTPUnauthorized
    return await call_next()


@app.on_error
async def report(error, call):
    print(f"{call.route.handler_name} failed: {error!r}", flush=True)


@app.route([Queue("orders")], type=RouteTypes.AMQP_RABBITMQ, middlewares=[once])
async def store(messages):
    for message in messages:
        print(f"stored {message.body}", flush=True)


@app.http.get("/orders", middlewares=[guard])
async def orders():
    return sorted(seen)


@app.run_every(3600)
async def clean():
    raise ValueError("no rows")


async def main():
    app["handled"] = asyncio.Event()
    async with app.started(), ClientSession(app.http.url) as client:
        put = app["rabbitmq_connection"].put
        for body, name in (("tea", "first"), ("tea", "first"), ("milk", "last")):
            await put(body, "orders", properties={"message_id": name})
        await app["handled"].wait()
        for secret in ("guess", "secret"):
            headers = {"Authorization": f"Bearer {secret}"}
            async with client.get("/orders", headers=headers) as response:
                print(response.status, await response.text(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
