"""Routes that take nothing for a while, on any path."""

import asyncio
import json

import pytest

from asyncworker import Actions, Breaker, Events, Options, Pause, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Retry, Split
from packages.rabbitmq.tests.pausing.conftest import DatabaseDown

pytestmark = pytest.mark.usefixtures("path")

LONG = 200
SHORT = 0.02


def bodies(count):
    return [json.dumps(number).encode() for number in range(count)]


def served(app, queues, handler, **options):
    given = {getattr(Options, name, None) or Events[name]: one for name, one in options.items()}
    app.route(queues, type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)


async def test_a_route_waits_whose_handler_fails_too_often(
    app, database, queue, publish, logs, until_deep
):
    await publish(queue, *bodies(300))
    breaker = Breaker(failures=0.5, of=4, pause=LONG)
    served(app, [queue], database.store, BREAKER=breaker, ON_EXCEPTION=Actions.REJECT)
    async with app.started():
        await logs.wait("2 of the last 4 batches failed, at last by DatabaseDown('no answer')")
        # The first was not enough to say so.
        await until_deep(queue, 299)
        # Those that a handler was at already had to come to their end.
        assert database.asked < 300
        (problem,) = app.problems
        assert f"queue '{queue}', vhost '/': paused for 200 s, until 20" in problem
        assert len(logs.matching(": paused for")) == 1
        assert len(logs.matching("raised DatabaseDown")) == 2


async def test_it_tries_one_message_and_goes_on(app, database, queue, publish, logs, limit):
    await publish(queue, *bodies(300))
    breaker = Breaker(of=1, pause=SHORT)
    served(app, [queue], database.store, BREAKER=breaker, ON_EXCEPTION=Actions.REJECT)
    async with app.started():
        await logs.wait("paused for 0.02 s")
        asked = database.asked
        await logs.wait("paused for 0.08 s")
        assert database.asked == asked + 2
        # It was consumed for a moment, or not even that.
        before = len(logs.matching("consuming"))
        database.is_down = False
        stored = await database.take(300, limit)
        assert sorted(message.body for message in stored) == list(range(300))
        assert {message.attempt for message in stored} == {1}
        await logs.wait(f"queue '{queue}', vhost '/': consuming", count=before + 1)
        assert app.problems == []


async def test_what_is_in_order_stays_so(app, database, queue, publish, logs, limit):
    await publish(queue, *bodies(50))
    breaker = Breaker(of=1, pause=SHORT)
    served(app, [queue], database.store, BREAKER=breaker, MAX_CONCURRENCY=1)
    async with app.started():
        await logs.wait("tries one message")
        database.is_down = False
        stored = await database.take(50, limit)
        assert [message.body for message in stored] == list(range(50))


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_a_try_that_ends_by_itself_is_over(app, queue, publish, logs, limit, error):
    await publish(queue, *bodies(5))
    handled, raised, done = set(), [error(), Pause(SHORT)], asyncio.Event()

    async def handler(messages):
        if raised:
            raise raised.pop()
        handled.update(message.body for message in messages)
        if len(handled) == 5:
            done.set()

    served(app, [queue], handler, MAX_CONCURRENCY=1)
    async with app.started():
        await logs.wait("tries one message")
        async with asyncio.timeout(limit):
            await done.wait()
        assert app.problems == []


@pytest.mark.parametrize("policy", [Pause(SHORT), {DatabaseDown: Pause(SHORT)}])
async def test_an_exception_may_have_it_wait(app, database, queue, publish, logs, limit, policy):
    await publish(queue, *bodies(20))
    served(app, [queue], database.store, ON_EXCEPTION=policy)
    async with app.started():
        await logs.wait("paused for 0.02 s", count=3)
        database.is_down = False
        stored = await database.take(20, limit)
        assert sorted(message.body for message in stored) == list(range(20))
        assert {message.attempt for message in stored} == {1}


async def test_a_handler_may_say_for_how_long(app, queue, publish, logs, inbox):
    waited = asyncio.Event()

    async def ask(messages):
        if not waited.is_set():
            waited.set()
            try:
                raise Pause(SHORT)
            except Pause as error:
                raise ExceptionGroup("of a task", [error]) from None
        await inbox(messages)

    await publish(queue, b"1")
    # It counts for more than what is said of all that may be raised.
    served(app, [queue], ask, ON_EXCEPTION=Retry(attempts=1))
    async with app.started():
        await logs.wait("Pause(0.02)")
        (message,) = await inbox.batch()
        assert (message.body, message.attempt) == (1, 1)


async def test_another_exception_is_none_of_its_business(app, database, queue, publish, logs):
    await publish(queue, b"1")
    options = {"BREAKER": Breaker(of=1, on=OSError), "ON_EXCEPTION": {OSError: Pause(LONG)}}
    served(app, [queue], database.store, **options)
    async with app.started():
        await logs.wait("raised DatabaseDown", count=3)
        assert app.problems == []


async def test_other_routes_do_not_notice(app, database, declare, publish, logs, inbox):
    broken, other = await declare(), await declare()
    served(app, [broken], database.store, BREAKER=Breaker(of=1, pause=LONG))
    served(app, [other], inbox)
    await publish(broken, *bodies(10))
    async with app.started():
        await logs.wait("paused for")
        await publish(other, *bodies(100))
        assert await inbox.bodies(100) == list(range(100))


async def test_what_a_batch_has_decided_stays_decided(
    app, queue, publish, logs, until_deep, database
):
    async def store(messages):
        for message in messages[:3]:
            message.accept()
        await database.store(messages)

    await publish(queue, *bodies(10))
    served(app, [queue], store, BULK_SIZE=10, ON_EXCEPTION=Pause(LONG))
    async with app.started():
        await logs.wait("paused for")
        await until_deep(queue, 7)


async def test_what_fails_whenever_it_is_tried_goes_behind_the_others(
    app, database, queue, publish, logs, limit, until_deep
):
    database.is_down, database.refused = False, {"poison"}
    breaker = Breaker(of=1, pause=SHORT, factor=1)
    served(app, [queue], database.store, BREAKER=breaker, MAX_CONCURRENCY=1)
    await publish(queue, b'"poison"', *bodies(3))
    async with app.started():
        stored = await database.take(3, limit)
        assert [message.body for message in stored] == [0, 1, 2]
        assert len(logs.matching("one that was tried failed")) >= 2
    await until_deep(queue, 1)


async def test_a_batch_that_is_split_is_but_one_failure(app, database, queue, publish, logs, limit):
    database.is_down, database.refused = False, {3}
    options = {"BREAKER": Breaker(of=10, failures=0.2, pause=LONG), "ON_EXCEPTION": Split()}
    served(app, [queue], database.store, BULK_SIZE=10, **options)
    await publish(queue, *bodies(10))
    async with app.started():
        stored = await database.take(9, limit)
        assert sorted(message.body for message in stored) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        await logs.wait("raised DatabaseDown", count=2)
    assert logs.matching("paused") == []


async def test_what_is_handled_again_in_place_is_but_one_failure(
    app, database, queue, publish, logs, limit
):
    database.is_down, database.refused = False, {3}
    breaker = Breaker(of=10, failures=0.2, pause=LONG)
    served(app, [queue], database.store, BREAKER=breaker, ON_EXCEPTION=Retry(attempts=5, now=4))
    await publish(queue, *bodies(10))
    async with app.started():
        await database.take(9, limit)
        await logs.wait("gave up on 1 message after 5 attempts")
    assert logs.matching("paused") == []


async def test_a_route_that_waits_for_a_message_to_try_is_no_problem(
    app, database, queue, publish, logs, until_deep, admin
):
    served(app, [queue], database.store, BREAKER=Breaker(of=1, pause=0.2))
    await publish(queue, b"1")
    async with app.started():
        await logs.wait("paused for 0.2 s")
        await until_deep(queue, 1)
        found = await admin.declare_queue(queue, passive=True)
        await found.purge()
        await logs.wait("tries one message")
        (activity,) = [one for one in app.feed.activities if one.kind == "rabbitmq"]
        async with asyncio.timeout(30):
            while activity.sources[queue].state != "working":
                await until_deep(queue, 0)
        assert app.problems == []
        database.is_down = False
        await publish(queue, b"2")
        await logs.wait("consuming")


@pytest.mark.parametrize("from_thread", [False, True])
async def test_the_app_may_pause_a_handler_and_resume_it(
    app, queue, publish, logs, inbox, until_deep, from_thread
):
    async def call(function, handler):
        await asyncio.to_thread(function, handler) if from_thread else function(handler)

    served(app, [queue], inbox)
    async with app.started():
        await logs.wait("consuming")
        await call(app.pause, inbox)
        await logs.wait("paused until app.resume(): app.pause() was called")
        await until_deep(queue, 0)
        await publish(queue, *bodies(5))
        await until_deep(queue, 5)
        assert inbox.batches.empty()
        await call(app.resume, inbox)
        assert await inbox.bodies(5) == list(range(5))
        await logs.wait("consuming", count=2)
        assert app.problems == []


async def test_what_a_handler_is_at_goes_on_in_a_pause(app, queue, publish, logs, until_deep):
    begun, go_on = asyncio.Queue(), asyncio.Event()

    async def work(messages):
        begun.put_nowait(messages)
        await go_on.wait()

    await publish(queue, *bodies(5))
    served(app, [queue], work, MAX_CONCURRENCY=1)
    async with app.started():
        (message,) = await begun.get()
        app.pause(work)
        await until_deep(queue, 4)
        assert begun.empty()
        go_on.set()
        app.resume(work)
        others = [await begun.get() for _ in range(4)]
        assert message.body == 0
        assert sorted(one.body for (one,) in others) == [1, 2, 3, 4]
        assert not any(one.redelivered for (one,) in others if one.body == 0)
    await until_deep(queue, 0)


async def test_a_handler_that_takes_long_keeps_no_other_waiting(
    app, queue, publish, logs, until_deep, inbox
):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(messages):
        if messages[0].body == "slow":
            begun.set()
            await go_on.wait()
        await inbox(messages)

    await publish(queue, b'"slow"')
    served(app, [queue], work)
    async with app.started():
        await begun.wait()
        for _ in range(2):
            app.pause(work)
            await publish(queue, *bodies(3))
            await until_deep(queue, 3)
            app.resume(work)
            assert await inbox.bodies(3) == [0, 1, 2]
        go_on.set()
        (message,) = await inbox.batch()
        assert (message.body, message.redelivered) == ("slow", False)
    await until_deep(queue, 0)
    assert inbox.batches.empty()


async def test_a_handler_may_be_paused_before_the_run(app, queue, publish, logs, inbox):
    served(app, [queue], inbox)
    app.pause(inbox)
    await publish(queue, b"1")
    for _ in range(2):
        async with app.started():
            (problem,) = app.problems
            assert problem.endswith("paused until app.resume(): app.pause() was called")
            assert inbox.batches.empty()
    app.resume(inbox)
    async with app.started():
        assert await inbox.bodies(1) == [1]


async def test_a_pause_by_hand_lasts_whatever_fails(app, queue, publish, logs):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(messages):
        begun.set()
        await go_on.wait()
        raise Pause(SHORT)

    await publish(queue, b"1")
    served(app, [queue], work)
    async with app.started():
        await begun.wait()
        app.pause(work)
        go_on.set()
        await logs.wait("paused until app.resume()")
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(app.pause, work))
        (problem,) = app.problems
        assert "paused until app.resume()" in problem


async def test_a_run_ends_while_a_route_waits(app, database, queue, publish, logs, depth):
    served(app, [queue], database.store, ON_EXCEPTION=Pause(LONG))
    await publish(queue, *bodies(10))
    async with app.started():
        await logs.wait("paused for")
    assert app.problems == []
    assert await depth(queue) == 10


async def test_the_feed_tells_of_it(app, database, queue, publish, logs):
    served(app, [queue], database.store, ON_EXCEPTION=Pause(LONG))
    await publish(queue, b"1")
    async with app.started():
        await logs.wait("paused for")
        (activity,) = [one for one in app.feed.activities if one.kind == "rabbitmq"]
        source = activity.sources[queue]
        assert source.state == "paused"
        assert "DatabaseDown('no answer')" in source.reason


async def test_what_leaves_with_a_message_is_part_of_it(
    app, database, declare, publish, logs, until_deep
):
    queue, target = await declare(), await declare()

    async def forward(messages):
        await database.store(messages)
        return [message.body for message in messages]

    route = app.route(
        [queue],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BREAKER: Breaker(of=1, pause=SHORT)},
        publish_to=target,
    )
    route(forward)
    await publish(queue, *bodies(20))
    async with app.started():
        await logs.wait("tries one message", count=2)
        before = len(logs.matching("consuming"))
        database.is_down = False
        await until_deep(target, 20)
        await logs.wait("consuming", count=before + 1)
        assert app.problems == []


async def test_a_function_without_a_route_is_refused(app, inbox):
    @app.http.get("/")
    async def index():
        return ""

    for handler, name in ((inbox, "Inbox"), (index, index.__qualname__), (7, "7")):
        for change in (app.pause, app.resume):
            with pytest.raises(ConfigurationError) as error:
                change(handler)
            assert str(error.value) == f"{name} is no handler of a route that can be paused"
