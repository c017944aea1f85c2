"""A place is saved behind what is handled."""

import asyncio

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
