"""What the broker has is not what a route wants."""

import asyncio
import os
import sys

import aio_pika
import pytest

from asyncworker import App, RouteTypes
from asyncworker.cli.checkup import problems_of
from asyncworker.rabbitmq import AMQPConnection, Binding, Exchange, Queue, TopologyMismatch
from scripts.rabbitmq.private import private_broker
from scripts.rabbitmq.probe import version_of


def consume(app, *routes, handler):
    app.route(list(routes), type=RouteTypes.AMQP_RABBITMQ)(handler)


MISMATCHES = {
    "type": (
        {},
        {"type": "quorum"},
        "exists with x-queue-type 'classic', the route wants 'quorum'",
    ),
    "no type": (
        {"x-queue-type": "quorum"},
        {},
        # Since RabbitMQ 4.0 the broker names the type that a queue without one would have.
        {
            3: "exists with x-queue-type 'quorum', the route wants none",
            4: "exists with x-queue-type 'quorum', the route wants 'classic'",
        },
    ),
    "ttl": ({}, {"ttl": 5}, "exists without x-message-ttl, the route wants '5000'"),
    "other ttl": (
        {"x-message-ttl": 1000},
        {"ttl": 5},
        "exists with x-message-ttl '1000', the route wants '5000'",
    ),
    "durable": ({}, {"durable": False}, "exists with durable 'true', the route wants 'false'"),
}


@pytest.mark.parametrize("case", MISMATCHES)
async def test_a_difference_fails_the_start_in_one_readable_line(
    connection, declare, name, inbox, case, broker_version
):
    held, wanted, difference = MISMATCHES[case]
    if isinstance(difference, dict):
        difference = difference[broker_version[0]]
    await declare(name, **held)
    app = App(connections=[connection])
    consume(app, Queue(name, **wanted), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    expected = f"queue '{name}' {difference}: delete it or change the route"
    assert str(raised.value) == expected
    assert inbox.batches.empty()
    assert app.problems == []


@pytest.fixture(scope="module")
def node_without_transient_queues(private_node):
    """A RabbitMQ as later ones are, that takes no queue which is neither durable nor exclusive."""
    if version_of(private_node.url) < (4,):
        pytest.skip("RabbitMQ 3 takes transient queues whatever its configuration says")
    with private_broker("deprecated_features.permit.transient_nonexcl_queues = false\n") as node:
        yield node


@pytest.mark.parametrize("wanted", [{"durable": False}, {"dead_letter": Queue("b", durable=False)}])
async def test_a_transient_queue_that_is_refused_fails_the_start_in_one_readable_line(
    node_without_transient_queues, inbox, wanted
):
    app = App(connections=[AMQPConnection(url=node_without_transient_queues.url)])
    consume(app, Queue("a", **wanted), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    name = "b" if "dead_letter" in wanted else "a"
    reason = "this RabbitMQ takes no transient queue any more: leave out durable=False"
    assert str(raised.value) == f"queue '{name}': {reason}"


SCRIPT = """
import os
from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue

app = App(connections=[AMQPConnection(url=os.environ["URL"])])

@app.route([Queue(os.environ["QUEUE"], ttl=5)], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages): ...

app.run()
"""


async def test_the_process_of_such_a_worker_ends_with_one_line_and_1(amqp_url, queue, limit):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        env=os.environ | {"URL": amqp_url, "QUEUE": queue, "ASYNCWORKER_LOGLEVEL": "WARNING"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(limit):
        output, _ = await process.communicate()
    (line,) = output.decode().splitlines()
    assert f"queue '{queue}' exists without x-message-ttl, the route wants '5000'" in line
    assert "Traceback" not in line
    assert process.returncode == 1


async def test_a_different_exchange_fails_the_start(app, name, admin, inbox):
    await admin.declare_exchange(name, "direct", durable=True)
    consume(app, Queue(name, bind=[Binding(Exchange(name, "topic"))]), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    assert str(raised.value).startswith(
        f"exchange '{name}' exists with type 'direct', the route wants 'topic': delete it"
    )


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        (Queue("refused", arguments={"x-message-ttl": "soon"}), "invalid arg 'x-message-ttl'"),
        (
            Queue("refused", bind=[Binding(Exchange("refused", "x-nobodys"))]),
            "unknown exchange type 'x-nobodys'",
        ),
    ],
)
async def test_what_the_broker_does_not_know_fails_the_start_in_its_words(app, inbox, queue, told):
    consume(app, queue, handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_difference_found_later_is_a_problem_that_does_not_disturb_others(
    private_node, inbox, logs
):
    async def outside(action):
        async with await aio_pika.connect(private_node.url) as connection:
            await action(await connection.channel())

    async def declare(channel):
        for name in ("differs", "others"):
            await channel.declare_queue(name, durable=True)

    await outside(declare)
    private_node.stop()
    connection = AMQPConnection(url=private_node.url)
    app = App(connections=[connection])
    consume(app, Queue("differs", max_length=5), "others", handler=inbox)
    difference = "queue 'differs' exists without x-max-length, the route wants '5'"
    try:
        async with app.started():
            private_node.start()
            await logs.wait(difference)
            assert any(difference in problem for problem in app.problems)
            await connection.put(1, routing_key="others")
            assert await inbox.bodies(1) == [1]
            await outside(lambda channel: channel.queue_delete("differs"))
            await logs.wait("queue 'differs', vhost '/': consuming")
            assert app.problems == []
            assert len(logs.matching(difference)) == 1
    finally:
        private_node.start()
        await outside(lambda channel: channel.queue_delete("others"))
        await outside(lambda channel: channel.queue_delete("differs"))


async def test_the_check_tells_differences_and_declares_nothing(app, name, declare, exists, inbox):
    consume(app, Queue(name, max_length=5), handler=inbox)
    assert await problems_of(app, 30) == []
    assert not await exists(name)
    await declare(name)
    (problem,) = await problems_of(app, 30)
    assert f"queue '{name}' exists without x-max-length, the route wants '5'" in problem
    consume(app, Queue(f"{name}.other", max_length=6), handler=inbox)
    await declare(f"{name}.other")
    first, second = await problems_of(app, 30)
    assert first == problem
    assert f"queue '{name}.other' exists without x-max-length, the route wants '6'" in second
