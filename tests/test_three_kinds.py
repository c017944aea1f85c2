"""One worker with a queue, an event stream and URLs: told to stop under load, it loses nothing."""

import asyncio
import itertools
import json
import os
import re
import signal
import sys
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aiohttp import ClientConnectionError, ClientSession, web

LIMIT = 60.0
MESSAGES = 3000

WORKER = """
import asyncio, os
from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

queues, streams = AMQPConnection(url=os.environ["AMQP"]), SSEConnection(url=os.environ["SSE"])
app = App(connections=[queues, streams])

@app.route(["three-kinds"], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 7})
async def consume(messages):
    await asyncio.sleep(0.01)
    for message in messages:
        print("amqp", message.body)

@app.route(["/events"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 5})
async def follow(events):
    await asyncio.sleep(0.01)
    for event in events:
        print("sse", event.id)

@app.http.get("/numbers/{number}")
async def answer(number: int):
    await asyncio.sleep(0.01)
    print("http", number)
    return {"number": number}

app.run()
"""


@asynccontextmanager
async def event_server():
    """Sends numbered events without end."""

    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        start = int(request.headers.get("Last-Event-ID", "0")) + 1
        try:
            for number in itertools.count(start):
                await response.write(f"id: {number}\ndata: {number}\n\n".encode())
        except ConnectionError:
            return response

    application = web.Application()
    application.router.add_get("/events", stream)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.fixture
async def channel(amqp_url):
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("three-kinds", durable=True)
        yield channel
        await channel.queue_delete("three-kinds")


async def publish(channel):
    async with asyncio.TaskGroup() as group:
        for number in range(MESSAGES):
            message = aio_pika.Message(str(number).encode())
            group.create_task(channel.default_exchange.publish(message, routing_key="three-kinds"))


async def left(channel):
    queue = await channel.get_queue("three-kinds")
    numbers = set()
    while message := await queue.get(no_ack=True, fail=False):
        numbers.add(int(message.body))
    return numbers


async def ask(client, numbers, answered):
    """Ask one number after the other, until nobody answers any more."""
    try:
        for number in numbers:
            async with client.get(f"/numbers/{number}") as response:
                assert (await response.json()) == {"number": number}
                answered.add(number)
    except ClientConnectionError:
        pass


async def test_a_worker_of_three_kinds_stops_under_load_and_loses_nothing(amqp_url, channel):
    await publish(channel)
    lines, answered, numbers = [], set(), itertools.count()
    async with event_server() as sse, asyncio.timeout(LIMIT):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-c",
            WORKER,
            env=os.environ | {"AMQP": amqp_url, "SSE": sse, "ASYNCWORKER_HTTP_PORT": "0"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

        async def read_until(pattern):
            while not (
                found := re.search(pattern, line := (await process.stdout.readline()).decode())
            ):
                lines.append(line)
            lines.append(line)
            return found.group()

        url = await read_until(r"http://127[.]0[.]0[.]1:[0-9]+")
        async with ClientSession(url) as client, asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ask(client, numbers, answered))
            for sign in ("^amqp 500$", "^sse 50$", "^http 50$"):
                if not any(re.search(sign, line) for line in lines):
                    await read_until(sign)
            process.send_signal(signal.SIGTERM)
            out, errors = await process.communicate()
    lines += out.decode().splitlines(keepends=True)
    handled = {kind: [] for kind in ("amqp", "sse", "http")}
    for line in lines:
        if not line.startswith("{"):
            kind, number = line.split()
            handled[kind].append(int(number))
        else:
            assert json.loads(line)["level"] == "INFO"
    rest = await left(channel)

    assert (process.returncode, errors) == (0, b"")
    assert set(handled["amqp"]) | rest == set(range(MESSAGES))
    assert set(handled["amqp"]) & rest == set()
    assert len(handled["amqp"]) == len(set(handled["amqp"]))
    assert rest
    assert handled["sse"] == list(range(1, len(handled["sse"]) + 1))
    assert set(handled["http"]) == answered
