"""Bodies that are no JSON, in and out, and one that cannot be decoded; it ends by itself."""

import asyncio
import gzip
import os

from asyncworker import Actions, App, Events, Options, RouteTypes, codecs
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
ANY = Queue("example-bodies")
PACKED = Queue("example-packed")

packing = AMQPConnection(url=URL, codec=codecs.MSGPACK, name="packing")
app = App(connections=[AMQPConnection(url=URL, name="plain"), packing])
left = asyncio.Semaphore(0)


@app.route(
    [ANY],
    type=RouteTypes.AMQP_RABBITMQ,
    connection="plain",
    options={Options.BULK_SIZE: 2, Events.ON_INVALID: Actions.ACK},
)
@app.route([PACKED], type=RouteTypes.AMQP_RABBITMQ, connection="packing")
async def show(messages):
    for message in messages:
        print(f"{message.content_type}: {message.body!r}", flush=True)
        left.release()


async def main():
    put = app.connections["plain"].put
    async with app.started():
        await put({"id": 7}, ANY.name)
        await put("hello", ANY.name, properties={"content_type": "text/plain"})
        await put(b"\x89PNG", ANY.name, properties={"content_type": "image/png"})
        # It is acknowledged, as the route says, and the others go on without it.
        await put(b"{", ANY.name, properties={"content_type": "application/json"})
        zipped = {"content_type": "application/json", "content_encoding": "gzip"}
        await put(gzip.compress(b"[1, 2]"), ANY.name, properties=zipped)
        await packing.put({"id": 8, "picture": b"\x89PNG"}, PACKED.name)
        for _ in range(5):
            await left.acquire()


if __name__ == "__main__":
    asyncio.run(main())
