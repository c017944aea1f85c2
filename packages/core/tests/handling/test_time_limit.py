import asyncio
import inspect
import traceback
from functools import partial

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.dispatch import CANCEL_GRACE, Dispatcher
from asyncworker.errors import AsyncWorkerError, HandlerTimeout
from asyncworker.handling.time_limit import abandoned, limited
from asyncworker.routes import name_of
from packages.core.tests.waiting import LIMIT, deaf_until, turns

SECONDS = 5.0
REASON = "it took longer than 5 s (Options.TIMEOUT) and was cancelled"


class Slow:
    """A handler that lasts until it is let go, or cancelled."""

    def __init__(self):
        self.entered, self.release = asyncio.Event(), asyncio.Event()
        self.cancellations = 0

    async def __call__(self, *_):
        self.entered.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancellations += 1
            return self.on_cancelled()
        return "done"

    def on_cancelled(self):
        raise


class Deaf(Slow):
    async def __call__(self, *_):
        while True:
            try:
                self.entered.set()
                await self.release.wait()
                return
            except asyncio.CancelledError:
                self.cancellations += 1


@pytest.fixture
async def clock(still_clock):
    return still_clock


@pytest.fixture
async def slow():
    return Slow()


@pytest.fixture
async def deaf():
    deaf = Deaf()
    yield deaf
    deaf.release.set()
    await turns()


async def started(handler, seconds=SECONDS):
    task = asyncio.create_task(limited(handler, seconds)([1]))
    async with asyncio.timeout(LIMIT):
        await handler.entered.wait()
    return task


async def outcome(task):
    """Return what a task raised, without a word to whoever awaits it."""
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([task])
    return asyncio.CancelledError if task.cancelled() else task.exception()


def others():
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_without_a_limit_the_handler_is_called_as_it_is(slow):
    assert limited(slow, None) is slow


async def test_what_a_handler_is_given_and_returns_passes_through():
    async def handler(*args, **kwargs):
        return args, kwargs

    assert await limited(handler, SECONDS)(1, two=2) == ((1,), {"two": 2})
    assert others() == set()


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), TimeoutError(), SystemExit(3), KeyboardInterrupt(), GeneratorExit()],
    ids=repr,
)
async def test_what_a_handler_raises_passes_through_and_the_loop_goes_on(error):
    async def handler():
        raise error

    with pytest.raises(BaseException) as caught:
        await limited(handler, SECONDS)()
    assert caught.value is error
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancellation_that_nobody_asked_for_is_what_the_handler_raised():
    async def handler():
        raise asyncio.CancelledError("its own")

    with pytest.raises(asyncio.CancelledError, match="its own"):
        await limited(handler, SECONDS)()
    assert asyncio.current_task().cancelling() == 0


async def test_a_handler_that_takes_too_long_is_cancelled(slow, clock):
    task = await started(slow)
    await clock.advance(SECONDS - 0.1)
    assert not task.done()
    await clock.advance(0.1)
    error = await outcome(task)
    assert isinstance(error, HandlerTimeout)
    assert isinstance(error, TimeoutError)
    assert isinstance(error, AsyncWorkerError)
    assert str(error) == REASON
    assert slow.cancellations == 1
    assert others() == set()


async def test_the_traceback_shows_where_the_time_was_spent(slow, clock):
    task = await started(slow)
    await clock.advance(SECONDS)
    error = await outcome(task)
    assert "await self.release.wait()" in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("ending", ["a value", "an error"])
async def test_however_a_cancelled_handler_ends_it_took_too_long(slow, clock, ending):
    problem = ValueError("in its clean-up")

    def on_cancelled():
        if ending == "an error":
            raise problem
        return "in spite of all"

    slow.on_cancelled = on_cancelled
    task = await started(slow)
    await clock.advance(SECONDS)
    error = await outcome(task)
    assert isinstance(error, HandlerTimeout)
    assert error.__cause__ is (problem if ending == "an error" else None)


async def test_a_handler_has_time_to_clean_up(clock):
    entered, cleaned = asyncio.Event(), asyncio.Event()

    async def handler():
        try:
            entered.set()
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(CANCEL_GRACE / 2)
            cleaned.set()

    task = asyncio.create_task(limited(handler, SECONDS)())
    await entered.wait()
    await clock.advance(SECONDS)
    assert not task.done()
    await clock.advance(CANCEL_GRACE / 2)
    assert cleaned.is_set()
    assert isinstance(await outcome(task), HandlerTimeout)


async def test_a_handler_that_ends_in_time_is_not_troubled_later(slow, clock):
    task = await started(slow)
    await clock.advance(SECONDS - 0.1)
    slow.release.set()
    assert await task == "done"
    await clock.advance(SECONDS)
    assert slow.cancellations == 0
    assert others() == set()


async def test_a_handler_that_ignores_its_cancellation_is_abandoned(deaf, clock, caplog):
    task = await started(deaf)
    await clock.advance(SECONDS)
    await clock.advance(CANCEL_GRACE - 0.1)
    assert not task.done()
    await clock.advance(0.1)
    assert isinstance(await outcome(task), HandlerTimeout)
    assert caplog.messages == ["handler Deaf ignores its cancellation and is abandoned"]
    assert len(abandoned) == 1
    deaf.release.set()
    await turns()
    assert abandoned == set()
    assert others() == set()


async def test_an_abandoned_handler_leaves_its_place_to_the_next_batch(clock):
    handled, release = [], asyncio.Event()

    async def handler(batch):
        if batch == ["deaf"]:
            await deaf_until(release)
        handled.append(batch)

    outcomes = []
    settled = asyncio.Event()

    def settle(batch, raised):
        outcomes.append((batch, type(raised)))
        if len(outcomes) == 2:
            settled.set()

    async with Dispatcher(limited(handler, SECONDS), settle, 1) as dispatcher:
        dispatcher.submit(["deaf"])
        dispatcher.submit(["next"])
        await turns()
        assert handled == []
        await clock.advance(SECONDS)
        await clock.advance(CANCEL_GRACE)
        async with asyncio.timeout(LIMIT):
            await settled.wait()
    assert handled == [["next"]]
    assert outcomes == [(["deaf"], HandlerTimeout), (["next"], type(None))]
    release.set()
    await turns()
    assert others() == set()


async def test_who_cancels_the_caller_cancels_the_handler_and_waits_for_it(slow):
    task = await started(slow)
    task.cancel()
    assert await outcome(task) is asyncio.CancelledError
    assert slow.cancellations == 1
    assert others() == set()


async def test_a_caller_that_is_cancelled_at_once_calls_no_handler(slow):
    task = asyncio.create_task(limited(slow, SECONDS)([1]))
    await asyncio.sleep(0)
    task.cancel()
    assert await outcome(task) is asyncio.CancelledError
    assert others() == set()


async def test_who_cancels_during_the_clean_up_interrupts_it(clock):
    cleaning, interrupted = asyncio.Event(), asyncio.Event()

    async def handler():
        try:
            await asyncio.sleep(1000)
        finally:
            cleaning.set()
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                interrupted.set()

    task = asyncio.create_task(limited(handler, SECONDS)())
    await turns()
    await clock.advance(SECONDS)
    await cleaning.wait()
    task.cancel()
    assert isinstance(await outcome(task), HandlerTimeout)
    assert interrupted.is_set()
    assert others() == set()


async def test_cancelling_the_drain_abandons_a_deaf_handler_as_ever(deaf, clock, caplog):
    outcomes = []
    dispatcher = Dispatcher(limited(deaf, SECONDS), lambda *each: outcomes.append(each), 1)
    dispatcher.submit([1])
    await deaf.entered.wait()
    draining = asyncio.create_task(dispatcher.drain())
    await turns()
    draining.cancel()
    await turns()
    await clock.advance(CANCEL_GRACE)
    assert await outcome(draining) is asyncio.CancelledError
    assert "abandoned 1 handler that would not be cancelled" in caplog.messages
    assert outcomes == []


async def test_a_limited_handler_keeps_its_name_and_signature(slow):
    async def store(messages, *, limit=5): ...

    assert name_of(limited(store, SECONDS)) == name_of(store)
    assert inspect.signature(limited(store, SECONDS)) == inspect.signature(store)
    assert name_of(limited(slow, SECONDS)) == "Slow"
    assert name_of(limited(partial(store, limit=1), SECONDS)) == name_of(store)


# In an app


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection(["item"])


async def test_the_option_limits_the_handler_of_a_route(connection, slow, clock):
    app = App(connections=[connection])
    options = {Options.TIMEOUT: SECONDS}
    assert app.route(["orders"], type=RouteTypes.KAFKA, options=options)(slow) is slow
    async with app.started():
        await slow.entered.wait()
        await clock.advance(SECONDS)
        [(batch, raised)] = connection.outcomes
    assert batch == ["item"]
    assert isinstance(raised, HandlerTimeout)
    assert app.routes[0].handler_name == "Slow"


async def test_a_route_without_the_option_has_its_handler_as_it_is(connection, slow):
    app = App(connections=[connection])
    app.route(["orders"], type=RouteTypes.KAFKA)(slow)
    assert app.routes[0].handler is slow
