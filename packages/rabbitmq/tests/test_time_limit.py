"""Messages whose handler takes longer than its Options.TIMEOUT."""

import asyncio

import pytest

from asyncworker import Actions, Events, Options, RouteTypes

TIMEOUT = {Options.TIMEOUT: 0.05, Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 0.1}


@pytest.mark.parametrize("swallows", [False, True])
async def test_the_option_decides_about_them_and_the_log_names_them(
    app, declare, publish, admin, logs, limit, swallows
):
    dead = await declare()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    source = await declare(**arguments)
    options = {**TIMEOUT, Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([source], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def slow(messages):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not swallows:
                raise

    arrived = asyncio.Queue()
    await (await admin.get_queue(dead)).consume(arrived.put, no_ack=True)
    async with app.started(), asyncio.timeout(limit):
        await publish(source, b"1", message_id="m-1")
        await publish(source, b"2", message_id="m-2")
        assert {(await arrived.get()).body, (await arrived.get()).body} == {b"1", b"2"}
    records = logs.matching("raised HandlerTimeout('it took longer than 0.05 s")
    assert sorted(key for record in records for key in record.message_ids) == ["m-1", "m-2"]
    assert all("slow" in record.getMessage() for record in records)


async def test_what_a_message_says_itself_wins(app, queue, publish, depth, logs):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=TIMEOUT)
    async def slow(messages):
        for message in messages:
            message.accept()
        await asyncio.Event().wait()

    async with app.started():
        await publish(queue, b"1")
        await logs.wait("raised HandlerTimeout")
    assert await depth(queue) == 0
