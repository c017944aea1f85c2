"""What lines say by themselves that are logged while messages are handled."""

import asyncio

import pytest

from asyncworker import Options, RouteTypes
from asyncworker.log_fields import begin, log_fields
from asyncworker.rabbitmq.retrying.copies import Copies

pytestmark = pytest.mark.usefixtures("path")

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE_PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture
async def told():
    """What lines said, to wait for."""
    return asyncio.Queue()


async def test_a_message_is_told_by_route_queue_ids_and_trace(app, queue, publish, told, limit):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        told.put_nowait(log_fields())

    async with asyncio.timeout(limit), app.started():
        await publish(
            queue,
            b"1",
            message_id="m-1",
            correlation_id="c-1",
            headers={"traceparent": TRACE_PARENT},
        )
        found = await told.get()
    assert found == {
        "route": handler.__qualname__,
        "queue": queue,
        "message_id": "m-1",
        "correlation_id": "c-1",
        "trace_id": TRACE_ID,
    }


@pytest.mark.parametrize("options", [{}, {Options.TIMEOUT: 30}])
async def test_each_message_is_told_by_its_own_in_tasks_and_limits_too(
    app, queue, publish, told, limit, options
):
    may_end = asyncio.Event()

    async def later(message):
        await may_end.wait()
        told.put_nowait((message.message_id, log_fields()["message_id"]))

    tasks = []

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        tasks.append(asyncio.create_task(later(messages[0])))
        told.put_nowait((messages[0].message_id, log_fields()["message_id"]))

    async with asyncio.timeout(limit), app.started():
        for number in range(20):
            await publish(queue, b"1", message_id=str(number))
        first = [await told.get() for _ in range(20)]
        may_end.set()
        second = [await told.get() for _ in range(20)]
        await asyncio.gather(*tasks)
    expected = [(str(number), str(number)) for number in range(20)]
    assert sorted(first) == sorted(second) == sorted(expected)


async def test_a_plain_function_is_told_it_in_its_thread(app, queue, publish, told, limit):
    loop = asyncio.get_running_loop()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    def handler(messages):
        loop.call_soon_threadsafe(told.put_nowait, log_fields())

    async with asyncio.timeout(limit), app.started():
        await publish(queue, b"1", message_id="m-1")
        found = await told.get()
    assert (found["queue"], found["message_id"]) == (queue, "m-1")


async def test_several_messages_are_told_by_their_number(app, queue, publish, told, limit):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 3})
    async def handler(messages):
        told.put_nowait(log_fields())

    async with asyncio.timeout(limit), app.started():
        await publish(queue, b"1", b"2", b"3", message_id="m-1")
        found = await told.get()
    assert found == {"route": handler.__qualname__, "queue": queue, "messages": 3}


async def test_a_queue_is_named_when_all_messages_are_of_it(
    app, queue, declare, publish, told, limit
):
    other_queue = await declare()

    @app.route([queue, other_queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 2})
    async def handler(messages):
        told.put_nowait(({each.queue for each in messages}, log_fields()))

    async with asyncio.timeout(limit), app.started():
        await publish(queue, b"1", b"2")
        assert (await told.get())[1]["queue"] == queue
        await publish(queue, b"1")
        await publish(other_queue, b"2")
        queues, found = await told.get()
    assert queues == {queue, other_queue}
    assert found == {"route": handler.__qualname__, "messages": 2}


async def test_ids_that_anybody_chose_are_shown_as_text(app, queue, publish, told, limit):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        # What it sets itself stays.
        messages[0].type = "mine"
        told.put_nowait((log_fields(), messages[0].type))

    async with asyncio.timeout(limit), app.started():
        await publish(
            queue,
            b"1",
            message_id="\x1b[2J\n" + "x" * 200,
            correlation_id="\x00",
            headers={"traceparent": 7},
        )
        found, kind = await told.get()
    assert found["message_id"] == "\x1b[2J\n" + "x" * 195 + "..."
    assert found["correlation_id"] == "\x00"
    assert "trace_id" not in found
    assert kind == "mine"


async def test_what_is_published_for_several_says_nothing_of_one(path):
    told = []

    async def publishing():
        told.append(log_fields())

    begin(lambda _essence: {"route": "of another"})
    async with Copies() as copies:
        copies.own(publishing(), ())
    assert told == [{}]
