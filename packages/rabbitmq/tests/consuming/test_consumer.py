"""In what way a route consumes its queues."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Consumer


def serving(amqp_url, queue, handler, **consumer):
    app = App(connections=[AMQPConnection(url=amqp_url)])
    consumer = Consumer(**consumer)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, consumer=consumer)(handler)
    return app


def bodies(*numbers):
    return [str(number).encode() for number in numbers]


@pytest.mark.usefixtures("path")
async def test_one_of_a_higher_priority_has_messages_first(amqp_url, queue, publish, inbox, logs):
    low, high = type(inbox)(), inbox
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(amqp_url, queue, low).started())
        await publish(queue, *bodies(0))
        assert await low.bodies(1) == [0]
        async with serving(amqp_url, queue, high, priority=10).started():
            await logs.wait(f"queue {queue!r}, vhost '/': consuming", 2)
            await publish(queue, *bodies(*range(1, 21)))
            assert await high.bodies(20) == list(range(1, 21))
        await publish(queue, *bodies(21))
        assert await low.bodies(1) == [21]


@pytest.mark.usefixtures("path")
async def test_an_exclusive_one_has_the_queue_alone_and_the_next_waits(
    amqp_url, queue, publish, inbox, logs
):
    waiting = type(inbox)()
    next_app = serving(amqp_url, queue, waiting, exclusive=True)
    async with AsyncExitStack() as stack:
        async with serving(amqp_url, queue, inbox, exclusive=True).started():
            await publish(queue, *bodies(1))
            assert await inbox.bodies(1) == [1]
            await stack.enter_async_context(next_app.started())
            await logs.wait("in exclusive use")
            assert any("in exclusive use" in problem for problem in next_app.problems)
            await publish(queue, *bodies(*range(2, 8)))
            assert await inbox.bodies(6) == list(range(2, 8))
        await publish(queue, *bodies(8))
        assert await waiting.bodies(1) == [8]
        await logs.wait(f"queue {queue!r}, vhost '/': consuming", 2)
        assert next_app.problems == []


async def test_the_broker_is_told_the_arguments(private_node, inbox, queue, publish):
    arguments = {"x-own": "1"}
    app = serving(private_node.url, queue, inbox, priority=-2, arguments=arguments)
    async with app.started():
        await publish(queue, *bodies(1))
        await inbox.bodies(1)
        listed = await asyncio.to_thread(
            private_node.ctl, "list_consumers", "queue_name", "arguments"
        )
    [row] = [line for line in listed.splitlines() if line.startswith(queue)]
    assert '{"x-priority",-2}' in row
    assert '{"x-own","1"}' in row


def test_a_timeout_is_told_in_milliseconds():
    assert Consumer(timeout=1.5).said["arguments"] == {"x-consumer-timeout": 1500}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"priority": True}, "priority must be an int from -2147483647 to 2147483647, got True"),
        ({"priority": 2**31}, "priority must be an int from "),
        ({"exclusive": 1}, "exclusive must be True or False, got 1"),
        ({"timeout": 0}, "timeout must be a number of seconds from 0.001 to 3888000, got 0"),
        ({"arguments": []}, "arguments must be a dict, got []"),
        ({"priority": 1, "arguments": {"x-priority": 2}}, "arguments hold 'x-priority' = 2, and "),
    ],
)
def test_what_cannot_be_is_a_line(given, told):
    with pytest.raises(ConfigurationError) as caught:
        Consumer(**given)
    assert str(caught.value).startswith(("Consumer: ", "Consumer "))
    assert told in str(caught.value)


def test_a_route_takes_nothing_else(amqp_url, inbox):
    app = App(connections=[AMQPConnection(url=amqp_url)])
    with pytest.raises(ConfigurationError, match=r"^consumer must be a Consumer, got \{\}$"):
        app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, consumer={})(inbox)
