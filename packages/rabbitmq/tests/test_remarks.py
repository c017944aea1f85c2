"""What would cost messages without a word is said."""

import pytest

from asyncworker import Actions, Events, FileCursor, RouteTypes
from asyncworker.backend import Remark
from asyncworker.cli.checkup import problems_of
from asyncworker.rabbitmq import Queue, Retry

DROPPED = "dropped, as the queue is declared without dead_letter, unless a policy gives it one"


@pytest.fixture
def amqp_url():
    return "memory://remarks"


@pytest.fixture
def consume(app):
    def consume(*queues, handler, on_exception=None, **arguments):
        options = {} if on_exception is None else {Events.ON_EXCEPTION: on_exception}
        app.route(list(queues), type=RouteTypes.AMQP_RABBITMQ, options=options, **arguments)(
            handler
        )

    return consume


async def reject(messages):
    messages[0].reject(requeue=False)


async def put_back(messages):
    if messages[0].delivery_tag < 4:
        messages[0].reject()


async def remarks(app):
    return [one for one in await problems_of(app, 30) if isinstance(one, Remark)]


async def test_two_handlers_of_one_queue_compete(app, consume, inbox, logs):
    consume(Queue("shared"), handler=inbox)
    consume("shared", handler=reject)
    consume("shared", handler=reject, vhost="other")
    told = "queue 'shared', vhost '/': the handlers Inbox and reject compete for it"
    async with app.started():
        assert len(logs.matching(told)) == 1
        assert len(logs.matching("compete")) == 1
    (remark,) = await remarks(app)
    assert remark.startswith(told)


async def test_a_stream_is_read_from_the_next_message_on(app, consume, inbox):
    consume(Queue("events", arguments={"x-queue-type": "stream"}), handler=inbox)
    (remark,) = await remarks(app)
    assert remark.startswith("queue 'events', vhost '/': it is a stream, which is read from the")


async def test_readers_of_a_stream_do_not_compete(app, consume, inbox):
    for _ in range(2):
        consume(Queue("events", type="stream"), handler=inbox, offset="first")
    assert await remarks(app) == []


@pytest.mark.parametrize("said", [{"offset": "next"}, {"cursor": FileCursor("place")}])
async def test_a_stream_is_read_from_where_it_is_said(app, consume, inbox, said):
    consume(Queue("events", type="stream"), handler=inbox, **said)
    assert await remarks(app) == []


@pytest.mark.parametrize(
    "policy", [Actions.REJECT, Retry(), {OSError: Actions.REQUEUE, ValueError: Actions.REJECT}]
)
async def test_what_a_policy_rejects_is_dropped_where_no_dead_letter_is_declared(
    app, consume, inbox, policy
):
    consume(Queue("bare"), Queue("safe", dead_letter=True), handler=inbox, on_exception=policy)
    (remark,) = await remarks(app)
    assert remark == f"queue 'bare', vhost '/': what handler Inbox rejects is {DROPPED}"


@pytest.mark.parametrize("policy", [Actions.REQUEUE, Retry(then=Actions.ACK)])
async def test_a_policy_that_rejects_nothing_drops_nothing(app, consume, inbox, policy):
    consume(Queue("bare"), handler=inbox, on_exception=policy)
    assert await remarks(app) == []


async def test_a_drop_is_told_once_and_of_a_declared_queue_alone(app, consume, connection, logs):
    async with connection.channel() as channel:
        await channel.declare_queue("named", durable=True)
    consume(Queue("bare"), Queue("safe", dead_letter=True), "named", handler=reject)
    async with app.started():
        for queue in ("bare", "bare", "safe", "named"):
            await connection.put(1, queue)
        await logs.wait(f"queue 'bare', vhost '/': a rejected message is {DROPPED}")
    assert len(logs.matching("a rejected message is dropped")) == 1


async def test_a_message_that_was_put_back_by_reject_and_came_again_is_told_of_once(
    app, consume, connection, logs
):
    consume(Queue("bare"), handler=put_back)
    async with app.started():
        await connection.put(1, "bare")
        await logs.wait("reject() puts a message back, and it came again: reject(requeue")
    assert len(logs.matching("and it came again")) == 1


async def test_what_is_confirmed_when_its_attempts_end_is_no_drop(app, consume, connection, logs):
    async def fail(messages):
        raise ValueError

    consume(Queue("bare"), handler=fail, on_exception=Retry(attempts=1, then=Actions.ACK))
    async with app.started():
        await connection.put(1, "bare")
        await logs.wait("gave up on 1 message")
    assert logs.matching("dropped") == []
