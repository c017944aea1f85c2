import asyncio
import functools
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asyncworker.utils import Timeit


async def test_each_call_of_an_async_function_is_reported(clock, reports):
    @Timeit(name="call", callback=reports.callback)
    async def work(seconds, *, result):
        clock.advance(seconds)
        return result

    assert [await work(1, result="a"), await work(2, result="b"), await work(3, result="c")] == [
        "a",
        "b",
        "c",
    ]
    assert reports.transactions == [{"call": 1}, {"call": 2}, {"call": 3}]


def test_each_call_of_a_plain_function_is_reported(clock, reports):
    @Timeit(name="call", callback=reports.plain_callback)
    def work(seconds, *, result):
        clock.advance(seconds)
        return result

    assert [work(1, result="a"), work(2, result="b")] == ["a", "b"]
    assert reports.transactions == [{"call": 1}, {"call": 2}]


async def test_a_plain_callback_serves_an_async_function(reports):
    @Timeit(name="call", callback=reports.plain_callback)
    async def work():
        return "result"

    assert await work() == "result"
    assert len(reports) == 1


async def test_extra_keywords_reach_the_callback_at_each_call(reports):
    @Timeit(name="call", callback=reports.callback, dog="Xablau")
    async def work():
        pass

    await work()
    await work()
    assert [report["dog"] for report in reports] == ["Xablau", "Xablau"]


async def test_tasks_that_overlap_do_not_mix_their_times(clock, reports):
    all_in = asyncio.Barrier(10)

    @Timeit(name="call", callback=reports.callback)
    async def work(seconds):
        await all_in.wait()
        clock.advance(seconds)
        await all_in.wait()

    await asyncio.gather(*(work(seconds) for seconds in range(10)))
    assert sorted(times["call"] for times in reports.transactions) == list(range(10))
    assert all(len(times) == 1 for times in reports.transactions)


def test_threads_that_overlap_do_not_mix_their_times(clock, reports):
    all_in = threading.Barrier(8)

    @Timeit(name="call", callback=reports.plain_callback)
    def work(seconds):
        all_in.wait()
        clock.advance(seconds)
        all_in.wait()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert sorted(times["call"] for times in reports.transactions) == list(range(8))


async def test_recursive_calls_of_an_async_function_are_reported_one_by_one(clock, reports):
    @Timeit(name="call", callback=reports.callback)
    async def factorial(n):
        clock.advance(1)
        return n * await factorial(n - 1) if n > 1 else 1

    assert await factorial(4) == 24
    assert reports.transactions == [{"call": 1}, {"call": 2}, {"call": 3}, {"call": 4}]


def test_recursive_calls_of_a_plain_function_are_reported_one_by_one(clock, reports):
    @Timeit(name="call", callback=reports.plain_callback)
    def factorial(n):
        clock.advance(1)
        return n * factorial(n - 1) if n > 1 else 1

    assert factorial(3) == 6
    assert reports.transactions == [{"call": 1}, {"call": 2}, {"call": 3}]


async def test_one_instance_may_decorate_several_functions_and_time_a_block(clock, reports):
    timeit = Timeit(name="shared", callback=reports.callback)

    @timeit
    async def one():
        clock.advance(1)

    @timeit
    async def two():
        clock.advance(2)
        await one()

    async with timeit:
        await two()
    assert reports.transactions == [{"shared": 1}, {"shared": 3}, {"shared": 3}]


async def test_an_exception_of_an_async_function_is_reported_and_raised_again(reports):
    @Timeit(name="call", callback=reports.callback)
    async def work():
        raise KeyError("error")

    for _ in range(2):
        with pytest.raises(KeyError, match="error"):
            await work()
    assert [report["exc_type"] for report in reports] == [KeyError, KeyError]


def test_an_exception_of_a_plain_function_is_reported_and_raised_again(reports):
    @Timeit(name="call", callback=reports.plain_callback)
    def work():
        raise KeyError("error")

    with pytest.raises(KeyError, match="error"):
        work()
    assert reports[0]["exc_type"] is KeyError


def test_a_decorated_async_function_stays_a_coroutine_function():
    @Timeit(name="call")
    async def work():
        pass

    assert inspect.iscoroutinefunction(work)


def test_a_decorated_plain_function_stays_a_plain_function():
    @Timeit(name="call")
    def work():
        pass

    assert not inspect.iscoroutinefunction(work)


def test_a_decorated_function_keeps_its_name_docstring_and_signature():
    async def work(a: int, *, b: str = "b") -> None:
        """Do the work."""

    def plain(a: int, *, b: str = "b") -> None:
        """Do the work."""

    for function in (work, plain):
        timed = Timeit(name="call")(function)
        assert timed.__wrapped__ is function
        assert timed.__name__ == function.__name__
        assert timed.__qualname__ == function.__qualname__
        assert timed.__module__ == function.__module__
        assert timed.__doc__ == "Do the work."
        assert timed.__annotations__ == function.__annotations__
        assert inspect.signature(timed) == inspect.signature(function)


async def test_methods_of_every_kind_can_be_decorated(reports):
    class Worker:
        @Timeit(name="method", callback=reports.callback)
        async def method(self):
            return self

        @classmethod
        @Timeit(name="class method", callback=reports.callback)
        async def class_method(cls):
            return cls

        @staticmethod
        @Timeit(name="static method", callback=reports.plain_callback)
        def static_method(value):
            return value

    worker = Worker()
    assert await worker.method() is worker
    assert await worker.class_method() is Worker
    assert worker.static_method("value") == "value"
    assert [list(times) for times in reports.transactions] == [
        ["method"],
        ["class method"],
        ["static method"],
    ]


async def test_an_object_with_an_async_call_method_is_an_async_function(clock, reports):
    class Work:
        async def __call__(self):
            clock.advance(2)
            return "result"

    timed = Timeit(name="call", callback=reports.callback)(Work())
    assert inspect.iscoroutinefunction(timed)
    assert await timed() == "result"
    assert reports.transactions == [{"call": 2}]


async def test_a_partial_of_an_async_function_is_an_async_function(reports):
    async def work(value):
        return value

    timed = Timeit(name="call", callback=reports.callback)(functools.partial(work, "value"))
    assert await timed() == "value"
    assert len(reports) == 1


async def test_a_call_that_is_cancelled_is_reported_and_stays_cancelled(cancelled, reports):
    entered = asyncio.Event()

    @Timeit(name="call", callback=reports.callback)
    async def work():
        entered.set()
        await asyncio.Event().wait()

    await cancelled(work(), entered)
    assert [report["exc_type"] for report in reports] == [asyncio.CancelledError]


async def test_a_call_does_not_touch_the_times_of_the_decorating_instance():
    timeit = Timeit(name="call")

    @timeit
    async def work():
        pass

    await work()
    assert timeit.transactions == {}
