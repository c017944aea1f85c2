"""A worker as users start it: a process, with a real RabbitMQ, signals and an exit code."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import aio_pika
import pytest

LIMIT = 60.0

PRELUDE = """
import asyncio, os, sys
from asyncworker import App, Events, Actions, Options, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=50)])
queue = os.environ["QUEUE"]
"""

COUNTING = """
@app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 7})
async def handler(messages):
    await asyncio.sleep(0.01)
    for message in messages:
        print("handled", message.body, flush=True)

app.run()
"""

HANGING = """
@app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    print("handled", messages[0].body, flush=True)
    await asyncio.Event().wait()

app.run()
"""

DEAF = """
@app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    print("handled", messages[0].body, flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("no", flush=True)

app.run()
"""

TWICE = """
@app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    print("handled", messages[0].body, flush=True)
    app.shutdown()

app.run()
app.run()
print("ran twice", flush=True)
"""


class Worker:
    """A worker's process, read line by line."""

    def __init__(self, process):
        self.process = process
        self.lines = []

    async def line(self, text):
        """The next line of stdout that holds the text."""
        async with asyncio.timeout(LIMIT):
            while line := (await self.process.stdout.readline()).decode():
                self.lines.append(line)
                if text in line:
                    return line
        raise AssertionError(f"stdout ended without {text!r}: {self.lines}")

    def send(self, number):
        self.process.send_signal(number)

    async def end(self):
        """Exit code, the rest of stdout, and stderr."""
        async with asyncio.timeout(LIMIT):
            out, err = await self.process.communicate()
        self.lines += out.decode().splitlines(keepends=True)
        return self.process.returncode, err.decode()

    def handled(self):
        return {int(line.split()[1]) for line in self.lines if line.startswith("handled")}


class Queue:
    """A queue of the test's own, seen from outside."""

    def __init__(self, channel, name):
        self.name = name
        self._channel = channel

    async def publish(self, count):
        exchange = self._channel.default_exchange
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                message = aio_pika.Message(str(number).encode())
                group.create_task(exchange.publish(message, routing_key=self.name))

    async def left(self):
        """The messages still there, as numbers; they are taken out."""
        queue = await self._channel.get_queue(self.name)
        numbers = set()
        while message := await queue.get(no_ack=True, fail=False):
            numbers.add(int(message.body))
        return numbers


@pytest.fixture
async def queue(amqp_url):
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        name = "test-worker"
        await channel.declare_queue(name, durable=True)
        yield Queue(channel, name)
        await channel.queue_delete(name)


@asynccontextmanager
async def worker(source, url, queue, **environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PRELUDE + source,
        env=os.environ | {"URL": url, "QUEUE": queue} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_under_load_settles_what_was_handled_and_returns_the_rest(
    amqp_url, queue, number
):
    await queue.publish(3000)
    async with worker(COUNTING, amqp_url, queue.name) as process:
        await process.line("handled 500")
        process.send(number)
        code, errors = await process.end()

    left = await queue.left()
    assert code == 0
    assert errors == ""
    assert not any("Traceback" in line for line in process.lines)
    assert process.handled() | left == set(range(3000))
    assert process.handled() & left == set()
    assert left


async def test_a_second_signal_cancels_at_once(amqp_url, queue):
    await queue.publish(1)
    async with worker(HANGING, amqp_url, queue.name) as process:
        await process.line("handled 0")
        process.send(signal.SIGTERM)
        await process.line("SIGTERM: stopping")
        process.send(signal.SIGINT)
        code, errors = await process.end()

    assert code == 1
    first = json.loads(errors.splitlines()[0])
    assert first["msg"] == "SIGINT again: cancelling what still runs"
    assert await queue.left() == {0}


@pytest.mark.parametrize("source", [HANGING, DEAF], ids=["hanging", "deaf"])
async def test_the_deadline_ends_handlers_that_hang(amqp_url, queue, source):
    await queue.publish(1)
    async with worker(source, amqp_url, queue.name, ASYNCWORKER_SHUTDOWN_TIMEOUT="0.5") as process:
        await process.line("handled 0")
        process.send(signal.SIGTERM)
        async with asyncio.timeout(0.5 + 10):
            code, errors = await process.end()

    assert code == 1
    assert "ASYNCWORKER_SHUTDOWN_TIMEOUT" in errors
    assert await queue.left() == {0}


async def test_runs_twice_in_one_process(amqp_url, queue):
    async with worker(TWICE, amqp_url, queue.name) as process:
        await queue.publish(1)
        await process.line("handled 0")
        await queue.publish(1)
        await process.line("handled 0")
        code, errors = await process.end()
    assert (code, errors) == (0, "")
    assert "ran twice\n" in process.lines


async def test_a_worker_that_cannot_connect_says_why_and_stops_at_once(amqp_url, queue):
    url = "amqp://guest:s3cret@127.0.0.1:1/"
    async with worker(COUNTING, url, queue.name) as process:
        line = json.loads(await process.process.stderr.readline())
        process.send(signal.SIGTERM)
        async with asyncio.timeout(10):
            code, errors = await process.end()
    assert line["level"] == "ERROR"
    assert line["msg"].startswith("cannot connect to amqp://guest@127.0.0.1:1, vhost '/': ")
    assert (code, errors) == (0, "")
    assert not any("s3cret" in line for line in process.lines)


async def test_a_wrong_setting_is_one_line_that_names_the_variable(amqp_url, queue):
    async with worker(COUNTING, amqp_url, queue.name, ASYNCWORKER_FLUSH_TIMEOUT="soon") as process:
        code, errors = await process.end()
    assert code == 1
    assert errors.splitlines()[-1] == (
        "asyncworker.errors.ConfigurationError: ASYNCWORKER_FLUSH_TIMEOUT: "
        "input should be a valid number, unable to parse string as a number, got 'soon'"
    )


async def test_the_demo_shows_messages_until_ctrl_c(amqp_url):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "examples/demo.py",
        env=os.environ | {"ASYNCWORKER_AMQP_URL": amqp_url, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    demo = Worker(process)
    await demo.line("handled")
    await demo.line("handled")
    demo.send(signal.SIGINT)
    code, errors = await demo.end()
    assert (code, errors) == (0, "")
    assert demo.lines[-1].startswith("done: ")
