"""A schedule that one of two replicas runs; when that one ends, the other takes over."""

import asyncio
import os
from contextlib import AsyncExitStack

from asyncworker import App
from asyncworker.connections import AMQPConnection

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")


def replica(name):
    """Return an app, and a semaphore that counts its runs; in earnest each is a process."""
    app = App(connections=[AMQPConnection(url=URL)])
    runs = asyncio.Semaphore(0)

    @app.run_every(0.2, once="example-refresh")
    async def refresh():
        print(f"{name} refreshes", flush=True)
        runs.release()

    return app, runs


async def main():
    first, runs = replica("the first")
    second, others = replica("the second")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(first.started())
        await runs.acquire()
        async with second.started():
            for _ in range(5):
                await runs.acquire()
            await stack.aclose()
            print("the first has ended", flush=True)
            await others.acquire()


if __name__ == "__main__":
    asyncio.run(main())
