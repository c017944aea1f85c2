"""Work that many wait for, and one does."""

import asyncio

import pytest

from asyncworker.rabbitmq.publishing.single_flight import SingleFlight

MANY = 100


class Work:
    """Work that ends when it is released, once for each failure that it is to have, and once."""

    def __init__(self, *failures):
        self.is_done = False
        self.begun = 0
        self.released = asyncio.Event()
        self._failures = list(failures)

    async def __call__(self):
        self.begun += 1
        await self.released.wait()
        if self._failures:
            raise self._failures.pop(0)
        self.is_done = True


def waiting(work):
    flight = SingleFlight()
    until = (flight.until(lambda: work.is_done, work) for _ in range(MANY))
    return [asyncio.ensure_future(one) for one in until]


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_does_it_and_all_go_on_together():
    work = Work()
    tasks = waiting(work)
    await turns(1)
    work.released.set()
    # One for whoever did it, one for the others: not one for each.
    await turns(3)
    assert all(task.done() for task in tasks)
    assert work.begun == 1


async def test_does_nothing_that_is_done():
    work = Work()
    work.is_done = True
    await SingleFlight().until(lambda: work.is_done, work)
    assert work.begun == 0


async def test_a_failure_is_for_the_one_who_did_it():
    failure = OSError("on purpose")
    work = Work(failure)
    work.released.set()
    results = await asyncio.gather(*waiting(work), return_exceptions=True)
    assert results == [failure, *[None] * (MANY - 1)]
    assert work.begun == 2


async def test_whoever_is_cancelled_leaves_it_to_the_next_one():
    work = Work()
    first, *others = waiting(work)
    await turns(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.released.set()
    await asyncio.gather(*others)
    assert work.begun == 2
