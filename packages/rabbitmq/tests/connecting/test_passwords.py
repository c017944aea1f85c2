"""Passwords that a function tells: tokens expire, and the broker is asked with the one of now."""

import asyncio
from functools import partial

import pytest

from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.errors import BrokerError


@pytest.fixture
def connection_with(private_node):
    """Return a connection whose password is what a function tells."""

    def connection_with(password):
        return AMQPConnection(
            "127.0.0.1", port=private_node.port, username="guest", password=password
        )

    return connection_with


async def use(connection):
    async with connection.channel():
        pass


async def test_is_asked_at_each_attempt_to_connect(connection_with):
    passwords = iter(["expired", "guest", "guest"])

    async def token():
        await asyncio.sleep(0)
        return next(passwords)

    connection = connection_with(token)
    with pytest.raises(BrokerError, match="the broker refuses user 'guest' or its password"):
        await use(connection)
    await use(connection)
    await use(connection)
    assert next(passwords, "all asked for") == "all asked for"


async def test_a_function_that_fails_is_a_failed_attempt_like_any(
    connection_with, queue, declare, inbox, publish, logs, failing_token
):
    await declare(queue)
    token = failing_token(
        KeyError("s3cret"), asyncio.CancelledError("s3cret"), None, b"s3cret", "guest"
    )
    app = App(connections=[connection_with(token)])
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, b"{}")
        await inbox.batch()
    for reason in (
        "token raised KeyError",
        "token raised CancelledError",
        "token returned NoneType, no string",
        "token returned bytes, no string",
    ):
        (record,) = logs.matching(reason)
        assert record.getMessage().startswith("cannot connect to amqp://guest@127.0.0.1:")
        assert record.exc_info is None
    assert "s3cret" not in logs.written()


async def test_one_that_never_answers_fails_in_time(connection_with, monkeypatch):
    monkeypatch.setattr("asyncworker.rabbitmq.connecting.broker.CONNECT_TIMEOUT", 0.1)
    with pytest.raises(BrokerError, match="password: never raised TimeoutError"):
        await use(connection_with(never))


async def never():
    await asyncio.Event().wait()


async def test_a_cancelled_attempt_is_cancelled_while_it_asks(connection_with):
    using = asyncio.create_task(use(connection_with(never)))
    await asyncio.sleep(0)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using


async def test_a_broker_in_memory_asks_for_none():
    await use(AMQPConnection(url="memory://", password=partial(pytest.fail, "asked")))
