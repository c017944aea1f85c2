"""What lines say by themselves that are logged within a handler."""

import asyncio
import gc
import threading
import weakref
from contextvars import ContextVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

from asyncworker.dispatch import Dispatcher
from asyncworker.log_fields import LONGEST, Subject, begin, beyond_handler, log_fields, trace_id_of
from asyncworker.logs import JsonHandler, logger
from packages.core.tests.logs.output import output
from packages.core.tests.waiting import LIMIT, turns

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE_PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
variable = ContextVar("variable")


def settle(_batch, _raised):
    """Leave a batch as it is."""


def of_numbers():
    return Subject(lambda batch: batch[0], lambda number: {"route": "counting", "number": number})


async def handled(handler, *batches, concurrency=1, subject=None):
    """Have batches handled, one after the other, and wait for the end."""
    async with Dispatcher(handler, settle, concurrency, subject=subject) as dispatcher:
        for batch in batches:
            dispatcher.submit(batch)


async def test_outside_handlers_lines_say_nothing():
    assert log_fields() == {}


async def test_without_more_they_say_the_name_of_the_handler():
    found = []

    async def handler(batch):
        found.append(log_fields())

    await handled(handler, [1])
    assert found == [{"route": handler.__qualname__}]
    assert log_fields() == {}


async def test_each_batch_has_its_own_whether_handlers_set_variables_or_wait():
    found = []

    async def handler(batch):
        variable.set(batch[0])
        await asyncio.sleep(0)
        found.append((batch[0], log_fields()["number"]))

    await handled(handler, *([n] for n in range(50)), concurrency=5, subject=of_numbers())
    assert sorted(found) == [(number, number) for number in range(50)]


async def test_what_they_say_is_no_variable_that_a_handler_has_set():
    workers = set()

    async def handler(batch):
        workers.add(asyncio.current_task())

    await handled(handler, *([n] for n in range(20)), subject=of_numbers())
    assert len(workers) == 1


async def test_a_task_that_a_handler_started_goes_on_to_say_what_it_was_started_for():
    found, tasks, last = [], [], asyncio.Event()

    async def later(number):
        await last.wait()
        found.append((number, log_fields()["number"]))

    async def handler(batch):
        tasks.append(asyncio.create_task(later(batch[0])))
        await asyncio.sleep(0)

    await handled(handler, *([n] for n in range(20)), subject=of_numbers())
    last.set()
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*tasks)
    assert found == [(number, number) for number in range(20)]


async def test_a_task_that_outlives_its_handler_keeps_no_item_in_memory():
    class Item:
        pass

    last = asyncio.Event()
    tasks = []

    async def handler(_batch):
        tasks.append(asyncio.create_task(last.wait()))

    item = Item()
    known = weakref.ref(item)
    await handled(handler, [item], subject=Subject(len, lambda size: {"size": size}))
    del item
    await turns()
    gc.collect()
    assert known() is None
    last.set()
    await asyncio.gather(*tasks)


async def test_a_thread_that_took_the_context_says_the_same():
    found = []

    async def handler(_batch):
        await asyncio.to_thread(lambda: found.append((threading.get_ident(), log_fields())))

    await handled(handler, [7], subject=of_numbers())
    [(thread, fields)] = found
    assert thread != threading.get_ident()
    assert fields == {"route": "counting", "number": 7}


async def test_a_batch_of_which_nothing_can_be_told_is_settled_as_failed():
    outcomes = []

    async def handler(_batch):
        raise AssertionError

    subject = Subject(lambda batch: batch[5], dict)
    async with Dispatcher(
        handler, lambda *outcome: outcomes.append(outcome), 1, subject=subject
    ) as dispatcher:
        dispatcher.submit([1])
    [(batch, raised)] = outcomes
    assert batch == [1]
    assert isinstance(raised, IndexError)


def told(fields, extra=None):
    """The line that is logged while something is handled."""

    def log():
        begin(lambda _essence: dict(fields))
        logger.info("x", extra=extra)

    with output() as result:
        beyond_handler().run(log)
    return result.line


def test_lines_have_them_as_fields_and_what_the_user_gives_wins():
    line = told({"route": "a", "queue": "b"}, {"queue": "mine"})
    assert (line["route"], line["queue"]) == ("a", "mine")


def test_what_is_not_known_is_left_out():
    assert "queue" not in told({"route": "a", "queue": None, "message_id": ""})


def test_a_line_comes_without_them_when_they_cannot_be_had():
    def log():
        begin(lambda _essence: {}["missing"])
        logger.info("x")

    with output() as result:
        beyond_handler().run(log)
    assert result.line["msg"] == "x"


def test_long_values_are_cut():
    assert told({"message_id": "x" * 1000})["message_id"] == "x" * LONGEST + "..."


@given(st.text())
def test_no_value_breaks_a_line(value):
    assert told({"route": value})["msg"] == "x"


# The trace id


def test_it_is_that_of_the_header():
    line = told({"route": "a", "traceparent": TRACE_PARENT})
    assert line["trace_id"] == TRACE_ID
    assert "traceparent" not in line


@pytest.mark.parametrize(
    ("value", "trace_id"),
    [
        (TRACE_PARENT, TRACE_ID),
        (f" {TRACE_PARENT} ", TRACE_ID),
        (f"01-{TRACE_ID}-00f067aa0ba902b7-01-more", TRACE_ID),
        (f"ff-{TRACE_ID}-00f067aa0ba902b7-01", None),
        (TRACE_PARENT.upper(), None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (TRACE_PARENT[:-1], None),
        (f"{TRACE_PARENT}\n", None),
        ("", None),
        (None, None),
        (b"00", None),
        (7, None),
    ],
)
def test_a_header_that_is_none_of_w3c_has_none(value, trace_id):
    assert trace_id_of(value) == trace_id


def test_that_of_the_current_span_wins():
    context = trace.SpanContext(0xABC, 0xDEF, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        line = told({"route": "a", "traceparent": TRACE_PARENT})
    assert line["trace_id"] == f"{0xABC:032x}"


def test_a_handler_of_the_standard_library_writes_them_too():
    import logging

    instance = logging.Logger("orders", logging.DEBUG)  # noqa: LOG001
    instance.addHandler(JsonHandler())

    def log():
        begin(lambda _essence: {"route": "a"})
        instance.info("x", extra={"mine": 1})

    with output() as result:
        beyond_handler().run(log)
    assert (result.line["route"], result.line["mine"]) == ("a", 1)
