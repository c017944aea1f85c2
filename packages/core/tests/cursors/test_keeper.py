"""A place is saved behind what is handled."""

import asyncio

import pytest

from asyncworker.cursors import keeper as module
from asyncworker.cursors.keeper import Keeper


class Cursor:
    """What keeps places, when it is told to go on."""

    def __init__(self, place=None):
        self.place = place
        self.saved = []
        self.errors = []
        self.may_save = asyncio.Event()
        self.may_save.set()
        self.asked = asyncio.Event()
        self.failed = asyncio.Event()

    def __repr__(self):
        return "Cursor()"

    async def load(self):
        self._fail()
        return self.place

    async def save(self, place, /):
        self.asked.set()
        await self.may_save.wait()
        self._fail()
        self.saved.append(place)

    def _fail(self):
        if self.errors:
            if len(self.errors) == 1:
                self.failed.set()
            raise self.errors.pop(0)


def keeper_of(cursor, problems=None):
    return Keeper(cursor, int, "handler f", {} if problems is None else problems)


async def test_saves_only_the_newest(limit):
    cursor = Cursor()
    cursor.may_save.clear()
    keeper = keeper_of(cursor)
    async with keeper.running():
        keeper.reached(1)
        async with asyncio.timeout(limit):
            await cursor.asked.wait()
        for place in range(2, 100):
            keeper.reached(place)
        cursor.may_save.set()
    assert cursor.saved == [1, 99]


async def test_saves_nothing_that_is_saved_already():
    cursor = Cursor(5)
    keeper = keeper_of(cursor)
    async with keeper.running():
        assert await keeper.load() == 5
        keeper.reached(5)
    assert cursor.saved == []


async def test_saves_what_is_reached_at_the_very_end():
    cursor = Cursor()
    keeper = keeper_of(cursor)
    async with keeper.running():
        keeper.reached(7)
    assert cursor.saved == [7]


async def test_an_error_is_a_problem_until_it_is_over(limit):
    cursor, problems = Cursor(), {}
    cursor.errors = [OSError("disk full"), OSError("disk full")]
    keeper = keeper_of(cursor, problems)
    async with keeper.running():
        keeper.reached(1)
        async with asyncio.timeout(limit):
            await cursor.failed.wait()
        assert problems == {"handler f, Cursor()": "the place is not saved: OSError('disk full')"}
    assert cursor.saved == [1]
    assert problems == {}


async def test_the_end_does_not_wait_for_ever(monkeypatch, caplog):
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.01)
    cursor = Cursor()
    cursor.may_save.clear()
    keeper = keeper_of(cursor)
    async with keeper.running():
        keeper.reached(1)
    assert "the place is not saved in time: more comes again" in caplog.text
    assert cursor.saved == []


@pytest.mark.parametrize("what", ["load", "save"])
async def test_a_cancellation_of_the_cursors_own_is_an_error_like_others(logs, limit, what):
    cursor = Cursor(1)
    cursor.errors = [asyncio.CancelledError(), asyncio.CancelledError()]
    keeper = keeper_of(cursor)
    async with keeper.running(), asyncio.timeout(limit):
        if what == "load":
            assert await keeper.load() == 1
        else:
            keeper.reached(2)
            await logs.wait("ended by a cancellation of its own")
    assert cursor.saved == ([] if what == "load" else [2])


async def test_what_takes_long_is_a_problem(monkeypatch, logs):
    monkeypatch.setattr(module, "SLOW", 0.01)
    cursor, problems = Cursor(), {}
    cursor.may_save.clear()
    keeper = keeper_of(cursor, problems)
    async with keeper.running():
        keeper.reached(1)
        await logs.wait("the place is not saved: TimeoutError('no end within 0.01 s')")
        assert len(problems) == 1
        cursor.may_save.set()
    assert cursor.saved == [1]
    assert problems == {}


async def test_a_run_that_is_cut_short_leaves_nothing_behind(limit):
    class Stubborn(Cursor):
        async def save(self, place, /):
            self.asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ConnectionError("cancelled") from None

    cursor, problems = Stubborn(), {}
    keeper = keeper_of(cursor, problems)

    async def run():
        async with keeper.running():
            keeper.reached(1)
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    async with asyncio.timeout(limit):
        await cursor.asked.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert problems == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_is_no_place_there_is_asked_for_again(logs, limit):
    cursor, problems = Cursor("x"), {}
    keeper = keeper_of(cursor, problems)
    async with keeper.running(), asyncio.TaskGroup() as group, asyncio.timeout(limit):
        loading = group.create_task(keeper.load())
        await logs.wait("nothing is read before its place is loaded: ValueError")
        assert len(problems) == 1
        cursor.place = 3
        assert await loading == 3
    assert problems == {}
