import asyncio
import time

import pytest

import asyncworker.utils.timeit
from asyncworker.utils import Timeit


async def test_async_with_reports_the_seconds_of_the_block(clock, reports):
    async with Timeit(name="block", callback=reports.callback):
        clock.advance(1.5)
    assert reports == [
        {"transactions": {"block": 1.5}, "exc_type": None, "exc_val": None, "exc_tb": None}
    ]


def test_plain_with_reports_the_seconds_of_the_block(clock, reports):
    with Timeit(name="block", callback=reports.plain_callback):
        clock.advance(1.5)
    assert reports == [
        {"transactions": {"block": 1.5}, "exc_type": None, "exc_val": None, "exc_tb": None}
    ]


async def test_plain_with_works_inside_async_code(clock, reports):
    with Timeit(name="block", callback=reports.plain_callback):
        clock.advance(2)
    assert reports.transactions == [{"block": 2}]


async def test_real_time_is_measured():
    loop = asyncio.get_running_loop()
    before = time.perf_counter()
    async with Timeit(name="block") as timeit:
        woken = asyncio.Event()
        loop.call_later(0.02, woken.set)
        await woken.wait()
    assert 0.015 < timeit.transactions["block"] <= time.perf_counter() - before


def test_the_clock_cannot_step_back():
    assert asyncworker.utils.timeit.perf_counter is time.perf_counter
    assert time.get_clock_info("perf_counter").monotonic


async def test_the_callback_is_called_once_and_only_at_the_end(reports):
    async with Timeit(name="block", callback=reports.callback):
        assert reports == []
    assert len(reports) == 1


async def test_an_exception_is_reported_and_raised_again(clock, reports):
    error = KeyError("error")

    async def work():
        async with Timeit(name="block", callback=reports.callback):
            clock.advance(3)
            raise error

    with pytest.raises(KeyError) as caught:
        await work()
    assert caught.value is error
    assert reports == [
        {
            "transactions": {"block": 3},
            "exc_type": KeyError,
            "exc_val": error,
            "exc_tb": error.__traceback__.tb_next,
        }
    ]


def test_an_exception_under_plain_with_is_reported_and_raised_again(reports):
    error = KeyError("error")
    with pytest.raises(KeyError) as caught, Timeit(name="block", callback=reports.plain_callback):
        raise error
    assert caught.value is error
    assert reports[0]["exc_val"] is error
    assert reports[0]["exc_type"] is KeyError


async def test_a_callback_that_returns_true_does_not_swallow_the_exception():
    with pytest.raises(KeyError):
        async with Timeit(name="block", callback=lambda **_: True):
            raise KeyError("error")
    with pytest.raises(KeyError), Timeit(name="block", callback=lambda **_: True):
        raise KeyError("error")


async def test_a_cancelled_block_is_reported_and_stays_cancelled(cancelled, reports):
    entered = asyncio.Event()

    async def work():
        async with Timeit(name="block", callback=reports.callback):
            entered.set()
            await asyncio.Event().wait()

    task = await cancelled(work(), entered)
    assert task.cancelled()
    assert [report["exc_type"] for report in reports] == [asyncio.CancelledError]


async def test_without_a_callback_the_times_are_read_from_the_instance(clock):
    timeit = Timeit(name="block")
    assert timeit.transactions == {}
    async with timeit as entered:
        clock.advance(2)
        assert timeit.transactions == {}
    assert entered is timeit
    assert timeit.transactions == {"block": 2}


def test_without_a_callback_the_times_are_there_after_an_exception(clock):
    timeit = Timeit(name="block")
    with pytest.raises(KeyError), timeit:
        raise KeyError(clock.advance(2))
    assert timeit.transactions == {"block": 2}


def test_with_a_callback_the_times_can_be_read_as_well(clock, reports):
    with Timeit(name="block", callback=reports.plain_callback) as timeit:
        clock.advance(2)
    assert timeit.transactions == {"block": 2}


def test_changing_what_transactions_returned_does_not_change_the_times():
    with Timeit(name="block") as timeit:
        pass
    timeit.transactions.clear()
    assert "block" in timeit.transactions


def test_an_instance_used_again_starts_from_nothing(clock, reports):
    timeit = Timeit(name="block", callback=reports.plain_callback)
    with timeit:
        clock.advance(1)
        with timeit(name="inner"):
            clock.advance(1)
    with timeit:
        clock.advance(5)
    assert reports.transactions == [{"inner": 1, "block": 2}, {"block": 5}]
    assert timeit.transactions == {"block": 5}


async def test_an_instance_can_be_used_again_after_its_block_failed(reports):
    timeit = Timeit(name="block", callback=reports.callback)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with timeit:
                raise KeyError("error")
    assert len(reports) == 2


async def test_an_instance_can_be_used_again_from_within_its_callback(clock):
    seen = []

    async def callback(transactions):
        seen.append(transactions)
        if len(seen) == 1:
            async with timeit:
                clock.advance(2)

    timeit = Timeit(name="block", callback=callback)
    async with timeit:
        clock.advance(1)
    assert seen == [{"block": 1}, {"block": 2}]


async def test_the_callback_is_not_part_of_the_time(clock):
    async def callback(transactions):
        clock.advance(100)

    async with Timeit(name="block", callback=callback) as timeit:
        clock.advance(1)
    assert timeit.transactions == {"block": 1}


def test_instances_carry_no_dictionary():
    assert not hasattr(Timeit(name="block"), "__dict__")
