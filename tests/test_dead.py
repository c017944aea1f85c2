"""The command `asyncworker dead` with a real broker: what it prints, and how it ends."""

import asyncio
import json
import os
import signal
import sys
import uuid
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import aio_pika
import pytest

LIMIT = 60.0
APP = """
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Exchange, Queue

app = App(connections=[AMQPConnection(url={url!r})])

@app.route([Queue({name!r}, dead_letter={dead})], type=RouteTypes.AMQP_RABBITMQ)
async def pay(messages):
    pass
"""
EMPTY = "from asyncworker import App\napp = App()"


class Result:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode(), err.decode()

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def name():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def admin(amqp_url):
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        yield channel


@pytest.fixture
async def queues(admin, name):
    """The queue of the route, and that of its dead letters."""
    for one in (name, f"{name}.dead"):
        await admin.declare_queue(one, durable=True)
    yield
    for one in (name, f"{name}.dead"):
        await admin.queue_delete(one)


@pytest.fixture
def bury(admin, name, queues):
    """Publish dead letters as a worker writes them."""

    async def bury(error, *bodies, age=60):
        failed_at = datetime.now(UTC) - timedelta(seconds=age)
        headers = {
            "x-asyncworker-error": error,
            "x-asyncworker-handler": "pay",
            "x-asyncworker-queue": name,
            "x-asyncworker-attempts": 3,
            "x-asyncworker-failed-at": failed_at.isoformat(),
            "tenant": "x",
        }
        for body in bodies:
            message = aio_pika.Message(body, headers=headers, message_id="m-1")
            await admin.default_exchange.publish(message, routing_key=f"{name}.dead")

    return bury


@pytest.fixture
def depth(admin):
    async def depth(queue):
        found = await admin.declare_queue(queue, passive=True)
        return found.declaration_result.message_count

    return depth


@pytest.fixture
async def start(tmp_path, amqp_url, name):
    """Start `asyncworker dead` in a folder with the app."""
    started = []

    async def start(command, *arguments, app=APP, dead="True"):
        module = dedent(app).format(url=amqp_url, name=name, dead=dead)
        (tmp_path / "shop.py").write_text(module)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "asyncworker", "dead", command, "shop", *arguments),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
def dead(start):
    """Run `asyncworker dead` to its end."""

    async def dead(*arguments, answer=None, **options):
        process = await start(*arguments, **options)
        async with asyncio.timeout(LIMIT):
            out, err = await process.communicate(answer)
        return Result(process.returncode, out, err)

    return dead


async def test_lists_what_is_dead(dead, bury, name):
    await bury("OSError: busy", b"1", b"2", age=7500)
    await bury("ValueError: no\x1b[31m", b"3")
    result = await dead("list")
    assert (result.code, result.err) == (0, "")
    assert result.lines == [
        f"{name}.dead, vhost '/', from {name}: 3 dead letters, the oldest 2 h 5 min old",
        "  2  OSError: busy",
        "  1  ValueError: no\\x1b[31m",
    ]
    (found,) = (await dead("list", "--json")).json
    assert (found["queue"], found["sources"], found["count"]) == (f"{name}.dead", [name], 3)
    assert [one["error"] for one in found["groups"]] == ["OSError: busy", "ValueError: no\x1b[31m"]


async def test_lists_an_empty_queue_and_tells_of_a_missing_one(dead, admin, name, queues):
    assert (await dead("list")).lines == [f"{name}.dead, vhost '/', from {name}: empty"]
    await admin.queue_delete(f"{name}.dead")
    result = await dead("list")
    assert result.err == f"Error: queue '{name}.dead', vhost '/': it does not exist\n"
    assert result.code == 1


@pytest.mark.parametrize(
    ("where", "note"),
    [
        ("Exchange('dlx')", "it dead-letters to exchange 'dlx', whose queues are not known"),
        ("None", "no route declares where its dead letters go"),
    ],
)
async def test_says_what_the_app_does_not_tell(dead, queues, where, note):
    result = await dead("list", dead=where)
    assert note in result.out
    assert result.code == 0


async def test_shows_dead_letters(dead, bury, name):
    await bury("OSError: busy", b'{"id": 7}', b"\xff")
    result = await dead("show", f"{name}.dead")
    assert result.lines[0] == "1. m-1: OSError: busy"
    assert result.lines[1].startswith(f"   handler pay, queue {name}, 3 attempts, 1 min")
    assert result.lines[2:4] == ["   headers {'tenant': 'x'}", '   body {"id": 7}']
    assert result.lines[-1] == "   body b'\\xff'"
    assert len(result.lines) == 8
    first, second = (await dead("show", f"{name}.dead", "--json")).json
    assert (first["body"], first["error"], first["attempts"]) == ({"id": 7}, "OSError: busy", 3)
    assert second["body_base64"] == "/w=="
    assert len((await dead("show", f"{name}.dead", "--limit", "1", "--json")).json) == 1


async def test_replays(dead, bury, name, depth):
    await bury("OSError: busy", *[b"1"] * 5)
    await bury("ValueError: no", *[b"1"] * 2)
    trial = await dead("replay", f"{name}.dead", "--error", "OSError*", "--dry-run")
    assert trial.lines == [f"would replay 5 of 7 dead letters in {name}.dead (5 to {name})"]
    assert await depth(name) == 0
    result = await dead("replay", f"{name}.dead", "--error", "OSError*", "--limit", "4")
    assert (result.code, result.err) == (0, "")
    assert result.lines == [f"replayed 4 of 7 dead letters in {name}.dead (4 to {name})"]
    assert (await depth(name), await depth(f"{name}.dead")) == (4, 3)
    found = (await dead("replay", f"{name}.dead", "--older", "30s", "--json")).json
    assert (found["found"], found["done"], found["to"]) == (3, 3, {name: 3})
    assert (await dead("replay", f"{name}.dead")).lines == [f"{name}.dead is empty"]


async def test_drops_after_a_question(dead, bury, name, depth):
    await bury("OSError: busy", b"1", b"2")
    result = await dead("drop", f"{name}.dead", answer=b"n\n")
    assert f"drop 2 of 2 dead letters in {name}.dead for good? [y/N]" in result.err
    assert (result.code, await depth(f"{name}.dead")) == (1, 2)
    result = await dead("drop", f"{name}.dead", "--limit", "1", answer=b"y\n")
    assert result.lines == [f"dropped 1 of 2 dead letters in {name}.dead"]
    result = await dead("drop", f"{name}.dead", "--yes")
    assert result.lines == [f"dropped 1 of 1 dead letter in {name}.dead"]
    assert await depth(f"{name}.dead") == 0


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        (["{name}.daed"], "no route dead-letters to '{name}.daed': did you mean {name}.dead?", 2),
        (["{name}"], "queue '{name}' is consumed by handler pay, none dead-letters to it", 2),
        (["{name}.dead", "--older", "soon"], "'soon' is no age: write 90s, 15m", 2),
        (["{name}.dead", "--rate", "0/s"], "'0/s' is no rate: write 50/s", 2),
        (["{name}.dead", "--limit", "0"], "0 is not in the range x>=1", 2),
        (["{name}.dead", "--to", "{name}.no"], "queue '{name}.no', vhost '/': it does not", 1),
        (["{name}.dead", "--to", "{name}.dead"], "is the queue that they are in", 1),
        (["{name}.dead", "--vhost", "other"], "no route dead-letters to '{name}.dead'", 2),
        (
            ["{name}.dead", "--error", "KeyError*"],
            "none of 1 has an error like 'KeyError*'; there is: OSError: busy",
            1,
        ),
        (
            ["{name}.dead", "--older", "2h"],
            "none of 1 has an age of 2 h or more; there is: OSError: busy",
            1,
        ),
    ],
)
async def test_what_is_wrong_is_one_line(dead, bury, name, depth, arguments, reason, code):
    await bury("OSError: busy", b"1")
    result = await dead("replay", *(one.format(name=name) for one in arguments))
    assert reason.format(name=name) in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert (result.code, await depth(f"{name}.dead")) == (code, 1)


async def test_a_wrong_target_is_one_line(dead, start, name):
    result = await dead("list", app=EMPTY.replace("app", "worker"))
    assert result.err.startswith("Error: module 'shop' has no 'app'")
    assert result.code == 2


async def test_tells_of_a_broker_that_is_not_there(dead, name):
    gone = APP.replace("url={url!r}", "url='amqp://127.0.0.1:1'")
    result = await dead("replay", f"{name}.dead", app=gone)
    assert result.err.startswith("Error: cannot connect to amqp://guest@127.0.0.1:1")
    assert (result.code, len(result.err.splitlines())) == (1, 1)


async def moved(depth, queue, count):
    """Wait until so many have come."""
    async with asyncio.timeout(LIMIT):
        while await depth(queue) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_stopped_it_loses_nothing_and_tells_what_was_moved(start, bury, name, depth, number):
    await bury("OSError: busy", *[b"1"] * 400)
    process = await start("replay", f"{name}.dead", "--rate", "100/s", "--json")
    await moved(depth, name, 40)
    process.send_signal(number)
    async with asyncio.timeout(LIMIT):
        out, err = await process.communicate()
    result = Result(process.returncode, out, err)
    assert result.code == 128 + number
    assert result.err == f"Error: stopped by {number.name}; the rest is where it was\n"
    assert await depth(name) == result.json["done"] >= 40
    await moved(depth, f"{name}.dead", 400 - result.json["done"])
    assert await depth(f"{name}.dead") == 400 - result.json["done"]


async def test_killed_it_loses_nothing(start, bury, name, depth):
    await bury("OSError: busy", *[b"1"] * 400)
    process = await start("replay", f"{name}.dead", "--rate", "100/s")
    await moved(depth, name, 40)
    process.kill()
    await process.communicate()
    await moved(depth, f"{name}.dead", 400 - await depth(name))
    twice = await depth(name) + await depth(f"{name}.dead") - 400
    assert 0 <= twice <= 20
