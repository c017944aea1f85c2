import asyncio
import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asyncworker.utils.timeit
from asyncworker.utils import Timeit


async def test_one_callback_reports_the_root_and_its_transactions(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        clock.advance(1)
        async with timeit(name="b"):
            clock.advance(1)
            async with timeit(name="c"):
                clock.advance(1)
        assert reports == []
    assert reports == [
        {
            "transactions": {"c": 1, "b": 2, "a": 3},
            "exc_type": None,
            "exc_val": None,
            "exc_tb": None,
        }
    ]


def test_plain_transactions_share_a_plain_root(clock, reports):
    with Timeit(name="a", callback=reports.plain_callback) as timeit:
        with timeit(name="b"):
            clock.advance(1)
        with timeit(name="c"):
            clock.advance(2)
    assert reports.transactions == [{"b": 1, "c": 2, "a": 3}]


async def test_a_plain_transaction_serves_a_root_with_an_async_callback(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        with timeit(name="b"):
            clock.advance(1)
    assert reports.transactions == [{"b": 1, "a": 1}]


async def test_an_async_transaction_serves_a_plain_root(clock, reports):
    with Timeit(name="a", callback=reports.plain_callback) as timeit:
        async with timeit(name="b"):
            clock.advance(1)
    assert reports.transactions == [{"b": 1, "a": 1}]


async def test_a_transaction_makes_transactions_of_the_same_report(clock, reports):
    root = Timeit(name="a", callback=reports.callback)
    async with root as a, a(name="b") as b, b(name="c") as c, c(name="d"):
        clock.advance(1)
    assert reports.transactions == [{"d": 1, "c": 1, "b": 1, "a": 1}]
    assert b.transactions == c.transactions == a.transactions == reports[0]["transactions"]


async def test_the_times_of_one_name_add_up(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        for seconds in (1, 2, 3):
            async with timeit(name="b"):
                clock.advance(seconds)
    assert reports.transactions == [{"b": 6, "a": 6}]


async def test_a_transaction_named_like_its_root_adds_to_it(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        clock.advance(1)
        async with timeit(name="a"):
            clock.advance(2)
    assert reports.transactions == [{"a": 5}]


async def test_a_transaction_can_be_used_again(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        b = timeit(name="b")
        for _ in range(3):
            async with b:
                clock.advance(1)
    assert reports.transactions == [{"b": 3, "a": 3}]


async def test_transactions_of_concurrent_tasks_share_the_report(clock, reports):
    async def part(timeit, name, seconds, all_in):
        async with timeit(name=name):
            await all_in.wait()
            clock.advance(seconds)
            await all_in.wait()

    async with Timeit(name="a", callback=reports.callback) as timeit, asyncio.TaskGroup() as tasks:
        all_in = asyncio.Barrier(3)
        tasks.create_task(part(timeit, "b", 1, all_in))
        tasks.create_task(part(timeit, "c", 2, all_in))
        tasks.create_task(part(timeit, "c", 3, all_in))
    assert reports.transactions == [{"b": 1, "c": 5, "a": 0}]


async def test_roots_that_overlap_do_not_mix_their_transactions(clock, reports):
    all_in = asyncio.Barrier(5)

    async def work(number):
        async with Timeit(name=f"root {number}", callback=reports.callback) as timeit:
            await all_in.wait()
            async with timeit(name="part"):
                clock.advance(number)
                await all_in.wait()

    await asyncio.gather(*(work(number) for number in range(5)))
    assert sorted(map(str, reports.transactions)) == sorted(
        str({"part": float(number), f"root {number}": float(number)}) for number in range(5)
    )


@pytest.fixture
def eager_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_no_time_is_lost_when_threads_add_to_one_name(clock):
    start = threading.Barrier(8)

    def work(timeit):
        start.wait()
        for _ in range(500):
            with timeit(name="part"):
                clock.advance(1)

    with Timeit(name="root") as timeit, ThreadPoolExecutor(8) as threads:
        list(threads.map(work, [timeit] * 8))
    assert timeit.transactions["part"] == 8 * 500


async def test_a_transaction_decorates_a_function(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:

        @timeit(name="b")
        async def work(seconds):
            clock.advance(seconds)

        @timeit(name="c")
        def plain(seconds):
            clock.advance(seconds)
            return plain(seconds - 1) if seconds else "result"

        await asyncio.gather(work(1), work(2))
        await work(3)
        assert plain(2) == "result"
    assert reports.transactions == [{"b": 6, "c": 0 + 1 + 3, "a": 6}]


async def test_an_exception_caught_in_the_block_is_timed_but_not_reported(clock, reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        with contextlib.suppress(KeyError):
            async with timeit(name="b"):
                clock.advance(1)
                raise KeyError("error")
    assert reports == [
        {"transactions": {"b": 1, "a": 1}, "exc_type": None, "exc_val": None, "exc_tb": None}
    ]


async def test_an_exception_that_leaves_every_transaction_is_reported_once(clock, reports):
    async def work():
        async with Timeit(name="a", callback=reports.callback) as timeit, timeit(name="b"):
            clock.advance(1)
            raise KeyError("error")

    with pytest.raises(KeyError):
        await work()
    assert reports.transactions == [{"b": 1, "a": 1}]
    assert reports[0]["exc_type"] is KeyError


async def test_a_transaction_that_ends_after_its_root_is_left_out_with_a_warning(clock, reports):
    stack = contextlib.AsyncExitStack()
    async with Timeit(name="a", callback=reports.callback) as timeit:
        await stack.enter_async_context(timeit(name="late"))
    with pytest.warns(RuntimeWarning, match="transaction 'late' ended after the block"):
        await stack.aclose()
    assert reports.transactions == [{"a": 0}]


async def test_the_warning_on_a_late_transaction_points_at_its_block(reports):
    async with Timeit(name="a", callback=reports.callback) as timeit:
        late = timeit(name="late")
    with pytest.warns(RuntimeWarning, match="'late'") as caught:
        async with late:
            pass
    assert [warning.filename for warning in caught] == [__file__]


async def test_a_late_transaction_does_not_enter_the_next_report(clock, reports):
    timeit = Timeit(name="a", callback=reports.callback)
    stack = contextlib.ExitStack()
    async with timeit:
        stack.enter_context(timeit(name="late"))
    async with timeit:
        with pytest.warns(RuntimeWarning, match="'late'"):
            stack.close()
    assert reports.transactions == [{"a": 0}, {"a": 0}]


def test_a_late_transaction_that_fails_raises_its_own_exception():
    with Timeit(name="a") as timeit:
        late = timeit(name="late")
    with pytest.raises(KeyError), late:
        raise KeyError("error")


names = st.sampled_from(["a", "b", "c"])
seconds = st.integers(0, 5)
trees = st.recursive(
    st.tuples(names, seconds, st.just([])),
    lambda children: st.tuples(names, seconds, st.lists(children, max_size=4)),
    max_leaves=20,
)


def run_tree(timeit, tree, clock):
    """Run the transactions of a tree, and return the seconds that each name should have."""
    name, own, children = tree
    expected = {}
    total = own
    with timeit(name=name) as inner:
        clock.return_value += own
        for child in children:
            spent, times = run_tree(inner, child, clock)
            total += spent
            for key, value in times.items():
                expected[key] = expected.get(key, 0) + value
    expected[name] = expected.get(name, 0) + total
    return total, expected


@given(tree=trees)
def test_any_nesting_reports_the_sum_of_each_name(tree):
    clock = mock.Mock(return_value=0)
    patched = mock.patch.object(asyncworker.utils.timeit, "perf_counter", clock)
    with patched, Timeit(name="root") as timeit:
        total, expected = run_tree(timeit, tree, clock)
    assert timeit.transactions == expected | {"root": total}
