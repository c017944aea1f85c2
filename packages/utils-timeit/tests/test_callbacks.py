import asyncio
import functools
import gc
import inspect
import sys
import weakref
from dataclasses import dataclass
from unittest import mock

import pytest

import asyncworker.utils.callback
from asyncworker.utils import Timeit


async def test_a_callback_that_names_name_and_time_delta_gets_them(clock):
    seen = []

    async def callback(name, time_delta, exc_type=None, exc_val=None, exc_tb=None):
        seen.append((name, time_delta, exc_type, exc_val, exc_tb))

    async with Timeit(name="block", callback=callback):
        clock.advance(2)
    assert seen == [("block", 2, None, None, None)]


async def test_a_callback_of_the_older_form_gets_the_exception():
    seen = []

    async def callback(name, time_delta, exc_type=None, exc_val=None, exc_tb=None):
        seen.append((exc_type, exc_val, exc_tb))

    with pytest.raises(KeyError) as caught:
        async with Timeit(name="block", callback=callback):
            raise KeyError("error")
    assert seen == [(KeyError, caught.value, caught.value.__traceback__)]


async def test_a_callback_that_names_an_extra_keyword_gets_it():
    seen = []

    async def callback(name, time_delta, exc_type=None, exc_val=None, exc_tb=None, dog=None):
        seen.append((name, dog))

    async with Timeit(name="block", callback=callback, dog="Xablau"):
        pass
    assert seen == [("block", "Xablau")]


async def test_double_star_gets_the_four_keywords_and_the_extra_ones(clock, reports):
    async with Timeit(name="block", callback=reports.callback, dog="Xablau", cat=None):
        clock.advance(1)
    assert reports == [
        {
            "transactions": {"block": 1},
            "exc_type": None,
            "exc_val": None,
            "exc_tb": None,
            "dog": "Xablau",
            "cat": None,
        }
    ]


async def test_double_star_next_to_time_delta_gets_the_rest(clock):
    seen = []

    async def callback(time_delta, **rest):
        seen.append((time_delta, set(rest)))

    async with Timeit(name="block", callback=callback):
        clock.advance(1)
    assert seen == [(1, {"transactions", "exc_type", "exc_val", "exc_tb"})]


async def test_a_callback_gets_only_what_it_names(clock):
    seen = []

    async def callback(*, transactions):
        seen.append(transactions)

    async with Timeit(name="block", callback=callback):
        clock.advance(1)
    assert seen == [{"block": 1}]


async def test_time_delta_is_the_time_of_the_root(clock):
    seen = []

    async def callback(name, time_delta):
        seen.append((name, time_delta))

    async with Timeit(name="a", callback=callback) as timeit:
        clock.advance(1)
        async with timeit(name="b"):
            clock.advance(2)
        async with timeit(name="a"):
            clock.advance(3)
    assert seen == [("a", 6)]


async def test_a_plain_callback_is_allowed_under_async_with(reports):
    async with Timeit(name="block", callback=reports.plain_callback):
        pass
    assert len(reports) == 1


async def test_a_plain_callback_that_returns_an_awaitable_is_awaited(reports):
    def callback(**keywords):
        return reports.callback(**keywords)

    async with Timeit(name="block", callback=callback):
        pass
    assert len(reports) == 1


async def test_a_callback_is_awaited_to_its_end():
    ended = []

    async def callback(transactions):
        await asyncio.sleep(0)
        ended.append(transactions)

    async with Timeit(name="block", callback=callback):
        pass
    assert len(ended) == 1


async def test_a_task_made_by_a_plain_callback_is_left_alone_under_plain_with(reports):
    tasks = []

    def callback(**keywords):
        tasks.append(asyncio.create_task(reports.callback(**keywords)))
        return tasks[0]

    with Timeit(name="block", callback=callback):
        pass
    assert reports == []
    await tasks[0]
    assert len(reports) == 1


async def test_callables_of_every_kind_are_callbacks(clock):
    seen = []

    class Metrics:
        async def send(self, name):
            seen.append(name)

        @classmethod
        async def send_class(cls, name):
            seen.append(name)

        @staticmethod
        def send_static(name):
            seen.append(name)

        async def __call__(self, name):
            seen.append(name)

    def partial(sink, name):
        sink.append(name)

    metrics = Metrics()
    callbacks = {
        "method": metrics.send,
        "unbound": functools.partial(Metrics.send, metrics),
        "class method": Metrics.send_class,
        "static method": Metrics.send_static,
        "object": metrics,
        "partial": functools.partial(partial, seen),
        "lambda": lambda name: seen.append(name),
    }
    for name, callback in callbacks.items():
        async with Timeit(name=name, callback=callback):
            pass
    assert seen == list(callbacks)


async def test_one_function_is_a_callback_both_bound_and_free():
    seen = []

    def callback(name, time_delta=None, **rest):
        seen.append((name, sorted(rest)))

    class Owner:
        method = callback

    fields = ["exc_tb", "exc_type", "exc_val", "transactions"]
    owner = Owner()
    with Timeit(name="free", callback=callback):
        pass
    with Timeit(name="bound", callback=owner.method):
        pass
    assert seen == [("free", fields), (owner, fields)]


async def test_mocks_are_callbacks():
    plain, awaited = mock.Mock(), mock.AsyncMock()
    async with Timeit(name="block", callback=plain):
        pass
    async with Timeit(name="block", callback=awaited):
        pass
    for callback in (plain, awaited):
        callback.assert_called_once_with(
            transactions={"block": mock.ANY}, exc_type=None, exc_val=None, exc_tb=None
        )
    awaited.assert_awaited_once()


def test_a_built_in_function_without_a_signature_gets_the_four_keywords():
    collected = {}
    with Timeit(name="block", callback=collected.update, dog="Xablau"):
        pass
    assert set(collected) == {"transactions", "exc_type", "exc_val", "exc_tb", "dog"}


@pytest.fixture
def inspections(monkeypatch):
    counted = mock.Mock(wraps=inspect)
    monkeypatch.setattr(asyncworker.utils.callback, "inspect", counted)
    return counted.signature


async def test_the_signature_of_a_callback_is_inspected_once(inspections, reports):
    async def callback(transactions):
        reports.append(transactions)

    @Timeit(name="call", callback=callback)
    async def work():
        pass

    for _ in range(5):
        await work()
        async with Timeit(name="block", callback=callback):
            pass
    assert len(reports) == 10
    assert inspections.call_count == 1


async def test_one_use_makes_few_function_calls(reports):
    calls = []

    async def use():
        async with Timeit(name="block", callback=reports.callback):
            pass

    await use()
    sys.setprofile(lambda frame, event, _: event == "call" and calls.append(frame.f_code.co_name))
    await use()
    sys.setprofile(None)
    assert len(calls) < 20, calls


async def test_the_signature_of_a_method_is_inspected_once_for_all_instances(inspections):
    class Metrics:
        async def send(self, transactions):
            pass

    for _ in range(5):
        async with Timeit(name="block", callback=Metrics().send):
            pass
    assert inspections.call_count == 1


async def test_a_callback_without_a_hash_is_inspected_once_for_each_instance(inspections):
    @dataclass
    class Metrics:
        calls: int = 0

        def __call__(self, transactions):
            self.calls += 1

    metrics = Metrics()
    with pytest.raises(TypeError, match="unhashable"):
        hash(metrics)

    @Timeit(name="call", callback=metrics)
    async def work():
        pass

    for _ in range(5):
        await work()
    assert metrics.calls == 5
    assert inspections.call_count == 1


def test_a_callback_is_not_kept_alive():
    class Metrics:
        def send(self, transactions):
            pass

        def __call__(self, transactions):
            pass

    metrics = Metrics()
    alive = weakref.ref(metrics)
    for callback in (metrics, metrics.send):
        with Timeit(name="block", callback=callback):
            pass
    del metrics, callback
    gc.collect()
    assert alive() is None


def test_an_async_callback_is_refused_when_a_plain_block_is_entered(reports):
    entered = []
    message = r"callback Reports\.callback of Timeit 'block' is async"
    with pytest.raises(TypeError, match=message), Timeit(name="block", callback=reports.callback):
        entered.append(True)
    assert entered == reports == []


def test_an_object_with_an_async_call_method_is_an_async_callback():
    class Metrics:
        async def __call__(self, transactions):
            pass

    with pytest.raises(TypeError, match="use 'async with', or give a plain callback"):
        Timeit(name="block", callback=Metrics()).__enter__()


def test_an_async_callback_is_refused_when_a_plain_function_is_decorated(reports):
    def work():
        pass

    with pytest.raises(TypeError, match="decorate an async function, or give a plain callback"):
        Timeit(name="call", callback=reports.callback)(work)


def test_a_coroutine_returned_to_a_plain_block_is_an_error_and_is_closed(reports):
    coroutines = []

    def callback(**keywords):
        coroutines.append(reports.callback(**keywords))
        return coroutines[0]

    message = r"callback .*\.callback returned a coroutine"
    with pytest.raises(TypeError, match=message), Timeit(name="block", callback=callback):
        pass
    assert inspect.getcoroutinestate(coroutines[0]) == inspect.CORO_CLOSED


def test_a_coroutine_returned_to_a_plain_block_does_not_hide_its_exception(reports, caplog):
    def callback(**keywords):
        return reports.callback(**keywords)

    with pytest.raises(KeyError), Timeit(name="block", callback=callback):
        raise KeyError("error")
    assert "the callback of Timeit 'block' failed too" in caplog.text


async def failing(transactions):
    raise ValueError("callback")


def failing_plain(transactions):
    raise ValueError("callback")


async def test_the_error_of_a_callback_is_raised_when_the_block_succeeded():
    for callback in (failing, failing_plain):
        timeit = Timeit(name="block", callback=callback)
        with pytest.raises(ValueError, match="callback"):
            async with timeit:
                pass
        assert list(timeit.transactions) == ["block"]


def test_the_error_of_a_callback_is_raised_when_the_plain_block_succeeded():
    with pytest.raises(ValueError, match="callback"), Timeit(name="a", callback=failing_plain):
        pass


async def test_the_error_of_a_callback_is_raised_in_place_of_the_result_of_a_call():
    @Timeit(name="call", callback=failing)
    async def work():
        return "result"

    @Timeit(name="call", callback=failing_plain)
    def plain():
        return "result"

    with pytest.raises(ValueError, match="callback"):
        await work()
    with pytest.raises(ValueError, match="callback"):
        plain()


@pytest.mark.parametrize("callback", [failing, failing_plain])
async def test_the_error_of_a_callback_is_logged_when_the_block_failed(callback, caplog):
    with pytest.raises(KeyError) as caught:
        async with Timeit(name="block", callback=callback):
            raise KeyError("error")
    assert caught.value.args == ("error",)
    (record,) = caplog.records
    assert record.name == "asyncworker.utils.timeit"
    assert record.levelname == "ERROR"
    assert record.getMessage() == "the callback of Timeit 'block' failed too"
    assert repr(record.exc_info[1]) == "ValueError('callback')"


def test_the_error_of_a_callback_is_logged_when_the_plain_block_failed(caplog):
    with pytest.raises(KeyError), Timeit(name="block", callback=failing_plain):
        raise KeyError("error")
    assert "ValueError: callback" in caplog.text


async def test_the_error_of_a_callback_does_not_hide_a_cancellation(cancelled, caplog):
    entered = asyncio.Event()

    async def work():
        async with Timeit(name="block", callback=failing):
            entered.set()
            await asyncio.Event().wait()

    await cancelled(work(), entered)
    assert "ValueError: callback" in caplog.text


async def test_a_cancellation_during_the_callback_is_raised():
    calling = asyncio.Event()

    async def callback(transactions):
        calling.set()
        await asyncio.Event().wait()

    async def work():
        async with Timeit(name="block", callback=callback):
            raise KeyError("error")

    task = asyncio.create_task(work())
    await calling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert task.cancelled()
    assert isinstance(caught.value, asyncio.CancelledError)


def test_an_exit_asked_for_by_a_callback_is_not_held_back():
    def callback(transactions):
        raise SystemExit(1)

    with pytest.raises(SystemExit), Timeit(name="block", callback=callback):
        raise KeyError("error")


async def test_an_instance_can_be_used_again_after_its_callback_failed(clock):
    timeit = Timeit(name="block", callback=failing)
    for seconds in (1, 2):
        with pytest.raises(ValueError, match="callback"):
            async with timeit:
                clock.advance(seconds)
    assert timeit.transactions == {"block": 2}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated at once")
async def test_annotations_may_name_what_only_type_checkers_know():
    seen = []

    def callback(name: Unknown, time_delta: Unknown, **_: Unknown):  # noqa: F821
        seen.append(name)

    async with Timeit(name="block", callback=callback):
        pass
    assert seen == ["block"]
