"""A stream of RabbitMQ, read in two runs: the second goes on where the first ended."""

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from asyncworker import App, FileCursor, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message, Queue

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
VISITS = Queue("example-visits", type="stream", max_age=24 * 3600)


def make_app(place: Path) -> App:
    app = App(connections=[AMQPConnection(url=URL)])
    app["read"] = asyncio.Semaphore(0)

    @app.route([VISITS], type=RouteTypes.AMQP_RABBITMQ, offset="next", cursor=FileCursor(place))
    async def count(messages):
        for message in messages:
            print(f"visit of {message.body}", flush=True)
            app["read"].release()

    return app


async def publish(pages: list[str]) -> None:
    async with AMQPConnection(url=URL) as connection:
        await connection.put_many([Message(page, VISITS.name) for page in pages])


async def until_consumed(app: App) -> None:
    while app.problems:  # noqa: ASYNC110 (a program has events of its own to wait for)
        await asyncio.sleep(0.01)


async def main() -> None:
    with TemporaryDirectory() as folder:
        app = make_app(Path(folder) / "visits.place")
        async with app.started():
            await until_consumed(app)
            await publish(["/", "/tea"])
            for _ in range(2):
                await app["read"].acquire()
        # Nobody reads, and nothing is lost.
        await publish(["/cup"])
        async with app.started():
            await app["read"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
