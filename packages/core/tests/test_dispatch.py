import asyncio
import gc
import weakref

import pytest

from asyncworker.dispatch import CANCEL_GRACE, Dispatcher
from packages.core.tests.waiting import LIMIT, deaf_until, turns


class Outcomes(list):
    """Keep what each batch came to, and let a test wait for it."""

    def __init__(self):
        super().__init__()
        self._changed = asyncio.Event()

    def settle(self, batch, raised):
        self.append((batch, raised))
        self._changed.set()

    async def reach(self, count):
        async with asyncio.timeout(LIMIT):
            while len(self) < count:
                self._changed.clear()
                await self._changed.wait()


class Gate:
    """A handler whose batches wait to be let through, one by one."""

    def __init__(self):
        self.given = []
        self.running = 0
        self.peak = 0
        self._entered = asyncio.Event()
        self._open = {}

    async def __call__(self, batch):
        self.given.append(batch)
        self.running += 1
        self.peak = max(self.peak, self.running)
        self._entered.set()
        try:
            await self._door(batch).wait()
        finally:
            self.running -= 1

    def let_through(self, *batches):
        for batch in batches:
            self._door(batch).set()

    async def entered(self, count):
        async with asyncio.timeout(LIMIT):
            while len(self.given) < count:
                self._entered.clear()
                await self._entered.wait()

    def _door(self, batch):
        return self._open.setdefault(tuple(batch), asyncio.Event())


@pytest.fixture
async def outcomes():
    return Outcomes()


@pytest.fixture
async def gate():
    return Gate()


def other_tasks():
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_a_batch_that_was_handled_is_settled_without_an_error(outcomes):
    handled = []

    async def handler(batch):
        handled.append(batch)

    async with Dispatcher(handler, outcomes.settle, 2) as dispatcher:
        dispatcher.submit([1, 2])
    assert handled == [[1, 2]]
    assert outcomes == [([1, 2], None)]


async def test_a_handler_may_empty_the_list_that_it_is_given(outcomes):
    async def handler(batch):
        batch.clear()

    async with Dispatcher(handler, outcomes.settle, 1) as dispatcher:
        dispatcher.submit([1, 2])

    assert outcomes == [([1, 2], None)]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        SystemExit(3),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        GeneratorExit(),
        TimeoutError(),
        StopAsyncIteration(),
    ],
    ids=repr,
)
async def test_whatever_a_handler_raises_reaches_settle_and_the_next_batch_is_handled(
    outcomes, error
):
    async def handler(batch):
        if batch == ["bad"]:
            raise error

    async with Dispatcher(handler, outcomes.settle, 1) as dispatcher:
        dispatcher.submit(["bad"])
        dispatcher.submit(["waiting"])
        await outcomes.reach(2)
        dispatcher.submit(["later"])
    assert outcomes == [(["bad"], error), (["waiting"], None), (["later"], None)]


async def test_a_handler_that_awaits_a_cancelled_task_does_not_stop_the_next_batch(outcomes):
    async def handler(batch):
        if batch == ["bad"]:
            inner = asyncio.create_task(asyncio.sleep(1000))
            inner.cancel()
            await inner

    async with Dispatcher(handler, outcomes.settle, 1) as dispatcher:
        dispatcher.submit(["bad"])
        dispatcher.submit(["next"])
        await outcomes.reach(2)
    assert isinstance(outcomes[0][1], asyncio.CancelledError)
    assert outcomes[1] == (["next"], None)


async def test_a_handler_that_cancels_its_own_task_does_not_stop_the_next_batch(outcomes):
    async def handler(batch):
        if batch == ["bad"]:
            asyncio.current_task().cancel()
            await asyncio.sleep(1000)

    dispatcher = Dispatcher(handler, outcomes.settle, 1)
    dispatcher.submit(["bad"])
    dispatcher.submit(["next"])
    try:
        await outcomes.reach(2)
    finally:
        await dispatcher.drain()
    assert outcomes[1] == (["next"], None)


async def test_a_worker_that_is_cancelled_between_two_batches_does_not_stop_the_next(outcomes):
    async def handler(batch):
        if batch == ["bad"]:
            asyncio.get_running_loop().call_later(0, asyncio.current_task().cancel)

    dispatcher = Dispatcher(handler, outcomes.settle, 1)
    dispatcher.submit(["bad"])
    await outcomes.reach(1)
    await turns()
    dispatcher.submit(["next"])
    try:
        await outcomes.reach(2)
    finally:
        await dispatcher.drain()
    assert outcomes[1] == (["next"], None)


async def test_batches_run_side_by_side_up_to_the_bound_and_never_beyond(outcomes, gate):
    batches = [[number] for number in range(10)]
    async with Dispatcher(gate, outcomes.settle, 3) as dispatcher:
        for batch in batches:
            dispatcher.submit(batch)
        await gate.entered(3)
        assert gate.running == 3
        gate.let_through(*batches)
        await outcomes.reach(10)
        for batch in batches:
            dispatcher.submit(batch)
        await outcomes.reach(20)
    assert gate.peak == 3


async def test_a_slow_batch_never_stops_the_next_one(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 2) as dispatcher:
        dispatcher.submit(["slow"])
        for number in range(5):
            dispatcher.submit([number])
            gate.let_through([number])
        await outcomes.reach(5)
        assert [batch for batch, _ in outcomes] == [[0], [1], [2], [3], [4]]
        gate.let_through(["slow"])
    assert outcomes[-1] == (["slow"], None)


async def test_batches_are_started_in_the_order_of_their_submission(outcomes, gate):
    batches = [[number] for number in range(20)]
    gate.let_through(*batches)
    async with Dispatcher(gate, outcomes.settle, 4) as dispatcher:
        for batch in batches:
            dispatcher.submit(batch)
    assert gate.given == batches


async def test_a_worker_that_is_free_takes_the_next_batch_instead_of_a_new_one(outcomes, gate):
    batches = [[number] for number in range(5)]
    gate.let_through(*batches)
    async with Dispatcher(gate, outcomes.settle, 8) as dispatcher:
        for count, batch in enumerate(batches, 1):
            dispatcher.submit(batch)
            await outcomes.reach(count)
            await asyncio.sleep(0)
        assert len(other_tasks()) == 1


async def test_room_is_there_until_as_many_batches_wait_as_may_run(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 2) as dispatcher, asyncio.timeout(LIMIT):
        for number in range(3):
            await dispatcher.room()
            dispatcher.submit([number])
        await gate.entered(2)
        await dispatcher.room()
        dispatcher.submit([3])
        waiting = asyncio.create_task(dispatcher.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.let_through([0])
        await waiting
        gate.let_through([1], [2], [3])
    assert len(outcomes) == 4


async def test_withdraw_makes_room(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 1) as dispatcher, asyncio.timeout(LIMIT):
        dispatcher.submit([1])
        dispatcher.submit([2])
        waiting = asyncio.create_task(dispatcher.room())
        await gate.entered(1)
        assert not waiting.done()
        dispatcher.withdraw()
        await waiting
        gate.let_through([1])


async def test_leaving_the_context_by_an_exception_cancels_the_handlers(outcomes, gate):
    async def leave():
        async with Dispatcher(gate, outcomes.settle, 2) as dispatcher:
            dispatcher.submit([1])
            await gate.entered(1)
            raise ValueError

    with pytest.raises(ValueError):
        await leave()
    assert isinstance(outcomes[0][1], asyncio.CancelledError)
    assert gate.running == 0
    assert other_tasks() == set()


async def test_leaving_an_unused_context_by_an_exception_does_no_harm(outcomes, gate):
    with pytest.raises(ValueError):
        async with Dispatcher(gate, outcomes.settle, 2):
            raise ValueError


async def test_withdraw_returns_what_no_handler_was_given(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 1) as dispatcher:
        dispatcher.submit([1, 2])
        dispatcher.submit([3, 4])
        dispatcher.submit([5])
        await gate.entered(1)
        assert dispatcher.withdraw() == [[3, 4], [5]]
        assert dispatcher.withdraw() == []
        gate.let_through([1, 2])
    assert outcomes == [([1, 2], None)]


async def test_running_returns_what_handlers_are_not_done_with(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 2) as dispatcher:
        for batch in ([1, 2], [3], [4]):
            dispatcher.submit(batch)
        await gate.entered(2)
        assert sorted(dispatcher.running()) == [1, 2, 3]
        gate.let_through([1, 2])
        await gate.entered(3)
        assert sorted(dispatcher.running()) == [3, 4]
        gate.let_through([3], [4])
    assert dispatcher.running() == []


async def test_an_idle_worker_keeps_no_batch_in_memory():
    class Item:
        pass

    async def handler(batch):
        pass

    item, handled = Item(), asyncio.Event()
    left = weakref.ref(item)
    async with Dispatcher(handler, lambda *_: handled.set(), 1) as dispatcher:
        dispatcher.submit([item])
        del item
        await handled.wait()
        assert left() is None


async def test_a_dispatcher_goes_on_after_withdraw(outcomes, gate):
    async with Dispatcher(gate, outcomes.settle, 1) as dispatcher:
        dispatcher.submit([1])
        dispatcher.submit([2])
        await gate.entered(1)
        dispatcher.withdraw()
        dispatcher.submit([3])
        gate.let_through([1], [3])
    assert outcomes == [([1], None), ([3], None)]


async def test_drain_waits_for_what_runs_and_for_what_is_still_to_run(outcomes, gate):
    dispatcher = Dispatcher(gate, outcomes.settle, 1)
    dispatcher.submit([1])
    dispatcher.submit([2])
    draining = asyncio.create_task(dispatcher.drain())
    await gate.entered(1)
    gate.let_through([1])
    await gate.entered(2)
    assert not draining.done()
    gate.let_through([2])
    async with asyncio.timeout(LIMIT):
        await draining
    assert outcomes == [([1], None), ([2], None)]
    assert other_tasks() == set()


async def test_drain_ends_at_once_when_nothing_was_ever_submitted(outcomes, gate):
    async with asyncio.timeout(LIMIT):
        await Dispatcher(gate, outcomes.settle, 1).drain()


async def test_a_batch_submitted_during_the_drain_is_handled_too(outcomes, gate):
    dispatcher = Dispatcher(gate, outcomes.settle, 2)
    dispatcher.submit([1])
    await gate.entered(1)
    draining = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    dispatcher.submit([2])
    await gate.entered(2)
    gate.let_through([1])
    await outcomes.reach(1)
    await turns()
    gate.let_through([2])
    async with asyncio.timeout(LIMIT):
        await draining
    assert outcomes == [([1], None), ([2], None)]


async def test_cancelling_the_drain_cancels_the_handlers_and_settles_their_batches(outcomes, gate):
    dispatcher = Dispatcher(gate, outcomes.settle, 2)
    dispatcher.submit([1])
    dispatcher.submit([2])
    await gate.entered(2)
    draining = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    draining.cancel()
    async with asyncio.timeout(LIMIT):
        with pytest.raises(asyncio.CancelledError):
            await draining
    assert sorted(batch for batch, _ in outcomes) == [[1], [2]]
    assert all(isinstance(raised, asyncio.CancelledError) for _, raised in outcomes)
    assert gate.running == 0
    assert other_tasks() == set()


async def test_cancelling_the_drain_gives_no_further_batch_to_a_handler(outcomes):
    given = []
    entered = asyncio.Event()

    async def handler(batch):
        given.append(batch)
        entered.set()
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return

    dispatcher = Dispatcher(handler, outcomes.settle, 1)
    dispatcher.submit([1])
    dispatcher.submit([2])
    await entered.wait()
    draining = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    draining.cancel()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([draining])
    for task in other_tasks():
        task.cancel()
    assert given == [[1]]


async def test_a_handler_that_ignores_its_cancellation_is_abandoned(outcomes, clock, caplog):
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(_):
        entered.set()
        await deaf_until(release)

    dispatcher = Dispatcher(handler, outcomes.settle, 1)
    dispatcher.submit([1])
    await entered.wait()
    draining = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    draining.cancel()
    await clock.advance(CANCEL_GRACE / 2)
    assert not draining.done()
    await clock.advance(CANCEL_GRACE)
    assert draining.cancelled()
    assert "abandoned 1 handler that would not be cancelled" in caplog.messages
    release.set()
    await outcomes.reach(1)
    await turns()
    assert other_tasks() == set()


def test_a_handler_that_is_thrown_away_with_its_loop_settles_nothing(outcomes):
    """As at the end of a process whose handlers were abandoned."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)

    async def handler(_):
        await asyncio.Event().wait()

    async def begin():
        Dispatcher(handler, outcomes.settle, 1).submit([1])
        await asyncio.sleep(0)

    loop.run_until_complete(begin())
    loop.close()
    gc.collect()
    assert outcomes == []


async def test_an_outcome_that_cannot_be_settled_does_not_stop_the_next_batch(outcomes, gate):
    def settle(batch, raised):
        outcomes.settle(batch, raised)
        if batch == ["bad"]:
            raise RuntimeError("cannot settle")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    dispatcher = Dispatcher(gate, settle, 1)
    gate.let_through(["bad"], ["next"])
    dispatcher.submit(["bad"])
    dispatcher.submit(["next"])
    try:
        await outcomes.reach(2)
    finally:
        await dispatcher.drain()
    assert outcomes == [(["bad"], None), (["next"], None)]


async def test_no_task_is_left_when_the_context_ends(outcomes, gate):
    gate.let_through([1], [2], [3])
    async with Dispatcher(gate, outcomes.settle, 8) as dispatcher:
        for number in (1, 2, 3):
            dispatcher.submit([number])
    assert other_tasks() == set()


async def test_one_worker_does_nearly_all_where_handlers_never_wait(outcomes):
    workers = set()

    async def handler(batch):
        workers.add(asyncio.current_task())

    async with Dispatcher(handler, outcomes.settle, 100) as dispatcher:
        for number in range(100):
            dispatcher.submit([number])
    assert len(outcomes) == 100
    assert len(workers) == 1


async def test_each_turn_of_the_loop_starts_another_batch_where_handlers_wait(gate, outcomes):
    async with Dispatcher(gate, outcomes.settle, 64) as dispatcher, asyncio.timeout(LIMIT):
        for number in range(64):
            dispatcher.submit([number])
        for turn in range(1, 9):
            await asyncio.sleep(0)
            assert gate.running >= turn
        await gate.entered(64)
        gate.let_through(*gate.given)
