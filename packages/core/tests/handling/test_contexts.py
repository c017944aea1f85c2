"""What handlers see of context variables: those of the start, and nothing of each other's."""

import asyncio
from contextvars import ContextVar

import pytest

from asyncworker import App, Options
from asyncworker.dispatch import Dispatcher

LIMIT = 5
start = ContextVar("start", default="default")
tag = ContextVar("tag", default="none")
trace = ContextVar("trace")


class Seen(list):
    """Keep what handlers found in `tag` and `trace`, and in which task they ran."""

    def __init__(self):
        super().__init__()
        self.tasks = set()

    def note(self):
        self.append((tag.get(), trace.get(None)))
        self.tasks.add(asyncio.current_task())


@pytest.fixture
def seen():
    return Seen()


def settle(batch, raised):
    """Take what becomes of a batch."""


async def at_once(batch):
    tag.set(batch[0])
    trace.set(object())


async def before_it_waits(batch):
    await at_once(batch)
    await asyncio.sleep(0)


async def after_it_waited(batch):
    await asyncio.sleep(0)
    await at_once(batch)
    await asyncio.sleep(0.001)


async def and_raises(batch):
    await before_it_waits(batch)
    raise ValueError(batch)


async def and_ends_cancelled(batch):
    await before_it_waits(batch)
    raise asyncio.CancelledError


async def and_cancels_itself(batch):
    await at_once(batch)
    asyncio.current_task().cancel()
    await asyncio.sleep(LIMIT)


async def and_runs_out_of_time(batch):
    await at_once(batch)
    async with asyncio.timeout(0.001):
        await asyncio.sleep(LIMIT)


SETTERS = pytest.mark.parametrize(
    "set_variables",
    [
        at_once,
        before_it_waits,
        after_it_waited,
        and_raises,
        and_ends_cancelled,
        and_cancels_itself,
        and_runs_out_of_time,
    ],
    ids=lambda one: one.__name__,
)


@SETTERS
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_no_call_sees_what_another_has_set(seen, set_variables, concurrency):
    async def handler(batch):
        seen.note()
        await set_variables(batch)

    trace.set("the start's")
    async with asyncio.timeout(LIMIT), Dispatcher(handler, settle, concurrency) as dispatcher:
        for number in range(20):
            dispatcher.submit([number])
    assert seen == [("none", "the start's")] * 20


async def test_a_call_keeps_what_it_set_while_others_set_theirs():
    async def handler(batch):
        tag.set(batch[0])
        for _ in range(3):
            await asyncio.sleep(0)
            kept.append(tag.get() == batch[0])

    kept = []
    async with Dispatcher(handler, settle, 4) as dispatcher:
        for number in range(20):
            dispatcher.submit([number])
    assert kept == [True] * 60


async def test_what_is_left_set_to_an_equal_value_is_another_s_all_the_same(seen):
    async def handler(batch):
        found.append(tag.get())
        tag.set({})

    found, at_start = [], {}
    tag.set(at_start)
    async with Dispatcher(handler, settle, 1) as dispatcher:
        for number in range(5):
            dispatcher.submit([number])
    assert all(one is at_start for one in found)


async def test_whoever_submits_hands_nothing_on(seen):
    async def handler(batch):
        seen.note()

    async with Dispatcher(handler, settle, 2) as dispatcher:
        tag.set("of the submitter")
        dispatcher.submit([1])
    assert seen == [("none", None)]


async def test_handlers_that_reset_what_they_set_cost_no_further_task(seen):
    async def handler(batch):
        seen.note()
        token = tag.set(batch[0])
        await asyncio.sleep(0)
        tag.reset(token)

    async with Dispatcher(handler, settle, 1) as dispatcher:
        for number in range(20):
            dispatcher.submit([number])
    assert len(seen.tasks) == 1


async def test_handlers_that_set_variables_cost_no_task_for_each_message(seen):
    async def handler(batch):
        seen.note()
        await before_it_waits(batch)

    async with Dispatcher(handler, settle, 1) as dispatcher:
        for number in range(20):
            dispatcher.submit([number])
    assert len(seen.tasks) == 2


async def test_what_settles_a_batch_sees_what_its_handler_set():
    async def handler(batch):
        tag.set(batch[0])

    found = []
    async with Dispatcher(handler, lambda *_: found.append(tag.get()), 1) as dispatcher:
        for number in range(5):
            dispatcher.submit([number])
    assert found == [0, 1, 2, 3, 4]


async def test_a_call_that_is_cancelled_ends_within_its_own_context():
    async def handler(batch):
        tag.set(batch[0])
        if batch == ["last"]:
            entered.set()
            try:
                await asyncio.sleep(LIMIT)
            finally:
                found.append(tag.get())

    found, entered = [], asyncio.Event()
    dispatcher = Dispatcher(handler, settle, 1)
    dispatcher.submit(["first"])
    dispatcher.submit(["last"])
    await entered.wait()
    draining = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    draining.cancel()
    await asyncio.wait([draining])
    assert found == ["last"]


@pytest.mark.parametrize("options", [{}, {Options.TIMEOUT: LIMIT}], ids=["alone", "with a limit"])
async def test_schedules_see_what_startup_hooks_set_and_nothing_else(seen, options):
    app = App()

    @app.run_on_startup
    async def set_at_start(app):
        start.set("set at the start")

    @app.run_every(0.001, options)
    async def job():
        seen.note()
        found.append(start.get())
        start.set("another run's")
        tag.set("another run's")
        if len(found) == 5:
            app.shutdown()

    found = []
    async with asyncio.timeout(LIMIT):
        await app.serve()
    assert found == ["set at the start"] * 5
    assert seen == [("none", None)] * 5
