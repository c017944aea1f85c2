"""Routes whose messages are asked for, read from a source that a test scripts."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from asyncworker import Actions, App, Events, Options, Pause, Rate, RouteType
from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError
from asyncworker.feed import Statistics
from asyncworker.polling import PolledMessage, PolledRoute, serving


class Script:
    """Be a source: it gives what the test has put there, and notes what it is told."""

    def __init__(self, limit):
        self.limit = limit
        self.keep_every = None
        self.came = asyncio.Queue()
        self.told = []
        self.kept = []
        self.opened = 0
        self.closed = 0
        self.is_away = False
        self.is_deaf = False
        self.is_read = False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def open(self, route):
        self._answer(self.is_away)
        self.opened += 1
        self.changed()
        try:
            yield self
        finally:
            self.closed += 1
            self.changed()

    def put(self, *bodies, name="orders", **fields):
        for body in bodies:
            raw_body = body if isinstance(body, bytes) else str(body).encode()
            message = PolledMessage(name=name, id=str(body), raw_body=raw_body, **fields)
            self.came.put_nowait(message)

    async def read(self, count):
        self._answer(self.is_away)
        self.is_read = True
        try:
            async with asyncio.timeout(0.02):
                first = await self.came.get()
        except TimeoutError:
            return []
        finally:
            self.is_read = False
            self.changed()
        return [first] + [self.came.get_nowait() for _ in range(min(count - 1, self.came.qsize()))]

    async def settle(self, outcome, messages):
        self._answer(self.is_deaf)
        self.told += [(message.id, outcome) for message in messages]
        self.changed()

    async def keep(self, messages):
        self.kept.append([message.id for message in messages])
        self.changed()

    def changed(self):
        self._changed.set()

    async def until(self, condition):
        async with asyncio.timeout(self.limit):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _answer(self, is_none):
        self.changed()
        if is_none:
            raise ConnectionError("gone")


@pytest.fixture
async def script(limit):
    return Script(limit)


@pytest.fixture
def app():
    app = App()
    app.feed.add(Statistics())
    return app


@pytest.fixture
def connection():
    return Connection()


@pytest.fixture
def declare(app, script, connection):
    """Declare a route of the script."""

    def declare(handler, options=None, prefetch=10, routes=("orders",)):
        return PolledRoute.declared(
            app,
            handler,
            options,
            PolledMessage,
            prefetch,
            type=RouteType("SCRIPTED"),
            routes=routes,
            connection=connection,
            opened=script.open,
            failures=(OSError,),
        )

    return declare


async def test_hands_over_decoded_bodies_and_tells_outcomes(app, script, declare):
    seen = []

    async def handle(numbers: list[int]):
        seen.append(numbers)

    script.put(1, 2, 3, 4)
    async with serving(app, [declare(handle, {Options.BULK_SIZE: 2})]):
        await script.until(lambda: len(script.told) == 4)
    assert seen == [[1, 2], [3, 4]]
    assert {outcome for _, outcome in script.told} == {Actions.ACK}
    assert script.opened == script.closed == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, Actions.REQUEUE),
        ({Events.ON_EXCEPTION: Actions.ACK}, Actions.ACK),
        ({Events.ON_EXCEPTION: Actions.REJECT}, Actions.REJECT),
    ],
)
async def test_the_route_says_what_becomes_of_what_fails(app, script, declare, logs, options, told):
    async def fail(message: PolledMessage):
        raise ValueError("no")

    script.put(1)
    route = declare(fail, options)
    async with serving(app, [route]):
        await script.until(lambda: script.told)
    assert script.told == [("1", told)]
    assert logs.matching("raised ValueError('no')")
    [activity] = app.feed.activities
    assert activity.outcomes == {("orders", told.value): 1}
    assert activity.failures == 1


async def test_a_message_speaks_for_itself(app, script, declare):
    async def handle(message: PolledMessage):
        if message.body == 1:
            message.reject(requeue=False)
        elif message.body == 2:
            message.reject()
        else:
            message.accept()
            raise ValueError("too late")

    script.put(1, 2, 3)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: len(script.told) == 3)
    assert sorted(script.told) == [
        ("1", Actions.REJECT),
        ("2", Actions.REQUEUE),
        ("3", Actions.ACK),
    ]


async def test_what_does_not_fit_reaches_no_handler(app, script, declare, logs):
    async def takes(number: int):
        raise AssertionError(number)

    script.put("text", b"\xff")
    async with serving(app, [declare(takes)]):
        await script.until(lambda: len(script.told) == 2)
    assert {outcome for _, outcome in script.told} == {Actions.REJECT}
    assert len(logs.matching("handler ")) == 2
    assert logs.matching("a message whose body is no JSON")


async def test_a_codec_of_the_user_raises_what_it_likes(app, script, declare, logs):
    class Broken:
        def decode(self, body, message):
            raise KeyError("secret")

        def encode(self, value):
            """Encode nothing."""

    async def handle(messages):
        raise AssertionError(messages)

    script.put(1)
    async with serving(app, [declare(handle, {Options.CODEC: Broken()})]):
        await script.until(lambda: script.told)
    assert logs.matching("a message whose body cannot be decoded: KeyError at test_polling.py:")


async def test_reads_no_more_than_it_may_hold(app, script, declare):
    release, seen = asyncio.Event(), []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        script.changed()
        await release.wait()

    script.put(*range(10))
    async with serving(app, [declare(handle, prefetch=4)]):
        await script.until(lambda: len(seen) == 4)
        assert script.came.qsize() == 6
        release.set()
        await script.until(lambda: len(script.told) == 10)


async def test_a_message_that_comes_again_while_it_is_held_is_handled_once(app, script, declare):
    release, seen = asyncio.Event(), []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        script.changed()
        await release.wait()

    script.put(1)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: seen)
        script.put(1, 2)
        await script.until(lambda: len(seen) == 2)
        release.set()
        await script.until(lambda: len(script.told) == 2)
    assert seen == ["1", "2"]


async def test_says_now_and_then_that_messages_are_at_work(app, script, declare):
    script.keep_every = 0.01

    async def handle(message: PolledMessage):
        await script.until(lambda: ["1"] in script.kept)

    script.put(1)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: script.told)


async def test_a_source_that_is_away_is_a_problem_until_it_is_back(
    app, script, declare, connection, logs
):
    script.is_away = True

    async def handle(message: PolledMessage):
        """Take one."""

    async with serving(app, [declare(handle)]):
        await script.until(lambda: connection.problems)
        [(subject, problem)] = connection.problems.items()
        assert subject.endswith("handle, 'orders'")
        assert problem == "ConnectionError: gone"
        [activity] = app.feed.activities
        assert activity.sources["orders"].state == "waiting"
        script.is_away = False
        script.put(1)
        await script.until(lambda: script.told)
        assert connection.problems == {}
        assert activity.sources["orders"].state == "working"
    assert len(logs.matching("ConnectionError: gone")) == 1


async def test_the_next_source_is_told_what_one_did_not_hear(app, script, declare):
    async def handle(message: PolledMessage):
        """Take one."""

    script.is_deaf = True
    script.put(1)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: script.opened == 2)
        script.is_deaf = False
        await script.until(lambda: script.told)
    assert script.told == [("1", Actions.ACK)]


async def test_a_drain_puts_back_what_no_handler_was_given(app, script, declare):
    release, seen = asyncio.Event(), []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        script.changed()
        await release.wait()

    script.put(1, 2, 3)
    async with serving(app, [declare(handle, {Options.MAX_CONCURRENCY: 1})]):
        await script.until(lambda: seen)
        await script.until(script.came.empty)
        asyncio.get_running_loop().call_soon(release.set)
    assert seen == ["1"]
    assert sorted(script.told) == [
        ("1", Actions.ACK),
        ("2", Actions.REQUEUE),
        ("3", Actions.REQUEUE),
    ]


async def test_what_comes_while_a_drain_begins_is_put_back(app, script, declare):
    asked, answer = asyncio.Event(), asyncio.Event()
    read = script.read

    async def slow(count):
        asked.set()
        await answer.wait()
        return await read(count)

    script.read = slow

    async def handle(message: PolledMessage):
        raise AssertionError(message)

    script.put(1)
    async with serving(app, [declare(handle)]):
        await asked.wait()
        asyncio.get_running_loop().call_soon(answer.set)
    assert script.told == [("1", Actions.REQUEUE)]


async def test_a_cancelled_handler_puts_its_messages_back(app, script, declare):
    seen = []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        script.changed()
        await asyncio.Event().wait()

    async def run():
        async with serving(app, [declare(handle)]):
            await asyncio.Event().wait()

    script.put(1)
    task = asyncio.create_task(run())
    await script.until(lambda: seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.told == [("1", Actions.REQUEUE)]
    assert script.closed == 1


async def test_what_could_not_be_told_in_the_end_is_said(app, script, declare, logs, monkeypatch):
    monkeypatch.setattr("asyncworker.polling.consumer.CLOSING", 0.05)
    script.is_deaf = True

    async def handle(message: PolledMessage):
        script.changed()

    script.put(1)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: script.opened == 2)
    assert logs.matching("handle: 1 message could not be settled, and will come again")


async def test_a_source_that_fails_when_it_is_cancelled_keeps_nobody_waiting(
    app, script, declare, monkeypatch
):
    monkeypatch.setattr("asyncworker.polling.consumer.CLOSING", 0.05)

    async def read(count):
        script.is_read = True
        script.changed()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("gone") from None

    script.read = read

    async def handle(message: PolledMessage):
        raise AssertionError(message)

    async with asyncio.timeout(script.limit), serving(app, [declare(handle)]):
        await script.until(lambda: script.is_read)


async def test_a_source_that_keeps_cancellations_to_itself_is_left_all_the_same(
    app, script, declare
):
    """As what calls `asyncio.wait_for()` of Python 3.11 may."""
    read, settle = script.read, script.settle
    asked, tells = asyncio.Event(), asyncio.Event()

    async def deaf_read(count):
        asked.set()
        try:
            return await read(count)
        except asyncio.CancelledError:
            return []

    async def deaf_settle(outcome, messages):
        tells.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    async def handle(message: PolledMessage):
        """Take one."""

    async with serving(app, [declare(handle)]):
        script.read = deaf_read
        await asked.wait()
        script.is_deaf = True
        script.put(1)
        await script.until(lambda: script.opened == 2)
        script.is_deaf = False
        await script.until(lambda: script.told)
        script.settle, script.read = deaf_settle, read
        script.put(2)
        await tells.wait()
        script.settle = settle
        script.is_away = True
        await script.until(lambda: script.closed == script.opened)
        script.is_away = False
        await script.until(lambda: script.opened > script.closed)
    assert script.told[0] == ("1", Actions.ACK)


async def test_a_source_that_is_cancelled_while_it_opens_may_keep_that_to_itself(
    app, script, declare
):
    opening = asyncio.Event()

    @asynccontextmanager
    async def opened(route):
        opening.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        yield script

    script.open = opened

    async def handle(message: PolledMessage):
        raise AssertionError(message)

    async with asyncio.timeout(script.limit), serving(app, [declare(handle)]):
        await opening.wait()


async def test_a_key_has_one_message_at_a_time(app, script, declare):
    running, most = set(), []

    async def handle(message: PolledMessage):
        key = message.headers["key"]
        assert key not in running
        running.add(key)
        most.append(len(running))
        await asyncio.sleep(0)
        running.discard(key)

    for number in range(20):
        script.put(number, headers={"key": str(number % 2)})
    script.put("21")
    options = {Options.ORDER_BY: "key"}

    async def counted(message: PolledMessage):
        if message.headers:
            await handle(message)

    async with serving(app, [declare(counted, options)]):
        await script.until(lambda: len(script.told) == 21)
    assert max(most) == 2


async def test_a_key_that_cannot_be_told_is_refused(app, script, declare, logs):
    async def handle(message: PolledMessage):
        raise AssertionError(message)

    script.put(1)
    options = {Options.ORDER_BY: lambda message: message.body["customer"]}
    async with serving(app, [declare(handle, options)]):
        await script.until(lambda: script.told)
    assert script.told == [("1", Actions.REJECT)]
    assert logs.matching("a message whose key cannot be told by Options.ORDER_BY")


async def test_a_batch_holds_no_more_bytes_than_it_may(app, script, declare):
    seen = []

    async def handle(numbers: list[int]):
        seen.append(numbers)

    script.put(1111, 2222, 3333)
    options = {Options.BULK_SIZE: 10, Options.BULK_BYTES: 8, Options.BULK_FLUSH_INTERVAL: 0.05}
    async with serving(app, [declare(handle, options)]):
        await script.until(lambda: len(script.told) == 3)
    assert seen == [[1111, 2222], [3333]]


async def test_a_pause_puts_all_back_and_tries_one_then(app, script, declare, connection):
    seen = []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        if len(seen) == 1:
            raise Pause(0.1)

    script.put(1, 2, 3)
    async with serving(app, [declare(handle, {Options.MAX_CONCURRENCY: 1})]):
        await script.until(lambda: len(script.told) == 3)
        assert [outcome for _, outcome in script.told] == [Actions.REQUEUE] * 3
        assert "paused for 0.1 s" in str(connection.problems)
        await script.until(lambda: not script.is_read)
        script.put(1, 2, 3)
        await script.until(lambda: len(script.told) == 6)
        assert connection.problems == {}
    assert seen == ["1", "1", "2", "3"]


async def test_more_than_the_one_that_is_tried_goes_back(app, script, declare):
    """As of a source that gives more than it was asked for."""
    seen = []

    async def handle(message: PolledMessage):
        seen.append(message.id)
        if len(seen) == 1:
            raise Pause(0.05)

    async def read(count, read=script.read):
        return await read(10)

    script.read = read
    script.put(1)
    async with serving(app, [declare(handle)]):
        await script.until(lambda: script.told and not script.is_read)
        script.put(2, 3)
        await script.until(lambda: len(script.told) == 3)
    assert script.told == [
        ("1", Actions.REQUEUE),
        *sorted([("2", Actions.ACK), ("3", Actions.REQUEUE)], key=script.told.index),
    ]
    assert seen == ["1", "2"]


def test_a_span_tells_of_a_batch(declare):
    def message(number, name="orders"):
        return PolledMessage(
            name=name, id=str(number), raw_body=b"", headers={"traceparent": f"context {number}"}
        )

    async def handle(messages):
        """Take some."""

    one = declare(handle).operation([message(1)])
    assert (one.name, one.parent) == ("process orders", {"traceparent": "context 1"})
    assert one.attributes["messaging.message.id"] == "1"
    assert one.attributes["messaging.system"] == "scripted"
    route = declare(handle, {Options.BULK_SIZE: 5})
    several = route.operation([message(1), message(2, "others")])
    assert several.name == "process"
    assert several.attributes["messaging.batch.message_count"] == 2
    assert [link["traceparent"] for link in several.links] == ["context 1", "context 2"]


async def test_a_line_says_which_message_it_is_about(app, script, declare):
    from asyncworker.logs import log_fields

    seen = []

    async def handle(messages):
        seen.append(log_fields())

    script.put(1)
    route = declare(handle, {Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 0.01})
    async with serving(app, [route]):
        await script.until(lambda: len(script.told) == 1)
        script.put(2, 3)
        await script.until(lambda: len(script.told) == 3)
    assert seen == [
        {"route": route.handler_name, "source": "orders", "message_id": "1"},
        {"route": route.handler_name, "messages": 2},
    ]


async def test_outcomes_are_counted_by_name(app, script, declare):
    async def handle(message: PolledMessage):
        """Take one."""

    script.put(1)
    script.put(2, name="others")
    async with serving(app, [declare(handle, routes=("orders", "others"))]):
        await script.until(lambda: len(script.told) == 2)
        [activity] = app.feed.activities
        assert activity.outcomes == {("orders", "ack"): 1, ("others", "ack"): 1}
        assert activity.load().oldest == 0


def test_a_rate_cannot_be_shared(declare):
    async def handle(messages):
        """Take some."""

    with pytest.raises(ConfigurationError, match=r"Options\.RATE: nobody knows who else reads"):
        declare(handle, {Options.RATE: Rate(1, shared=True)})
