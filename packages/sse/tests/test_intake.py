"""The order, the pace and the batches of events."""

import asyncio

import pytest

from asyncworker import App, Options, Rate, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.sse import SSEConnection
from asyncworker.testing import TestApp


def events(*values):
    return "".join(f"data: {value}\n\n" for value in values).encode()


def served(app, handler, **options):
    given = {Options[name]: one for name, one in options.items()}
    app.route(["/x"], type=RouteTypes.SSE, options=given)(handler)


def first(event):
    return event.data[0]


async def test_events_of_one_key_are_handled_in_order_and_keys_side_by_side(app, server, limit):
    handled, busy, peaks = [], set(), []
    done = asyncio.Event()

    async def handler(batch):
        (event,) = batch
        assert first(event) not in busy
        busy.add(first(event))
        peaks.append(len(busy))
        for _ in range(3):
            await asyncio.sleep(0)
        busy.discard(first(event))
        handled.append(event.data)
        if len(handled) == 60:
            done.set()

    served(app, handler, ORDER_BY=first, MAX_CONCURRENCY=4)
    async with app.started():
        values = [f"{'abc'[number % 3]}{number}" for number in range(60)]
        await (await server.stream()).send(events(*values))
        async with asyncio.timeout(limit):
            await done.wait()
    for key in "abc":
        assert [one for one in handled if one[0] == key] == [one for one in values if one[0] == key]
    assert max(peaks) == 3


async def test_what_was_read_is_handled_in_order_when_the_app_ends(app, server):
    handled, begun = [], asyncio.Event()

    async def handler(batch):
        begun.set()
        await asyncio.sleep(0)
        handled.append(batch[0].data)

    served(app, handler, ORDER_BY=first)
    async with app.started():
        await (await server.stream()).send(events("a1", "a2", "b1", "a3"))
        await begun.wait()
    assert sorted(handled) == ["a1", "a2", "a3", "b1"]
    assert [one for one in handled if one[0] == "a"] == ["a1", "a2", "a3"]


async def test_what_waits_for_its_time_is_handled_before_the_app_ends(app, server):
    handled, begun = [], asyncio.Event()

    async def handler(batch):
        begun.set()
        handled.extend(event.data for event in batch)

    served(app, handler, RATE=Rate(100, burst=1), BULK_SIZE=2, BULK_FLUSH_INTERVAL=0.001)
    async with app.started():
        await (await server.stream()).send(events(1, 2, 3, 4))
        await begun.wait()
    assert handled == ["1", "2", "3", "4"]


async def test_a_batch_holds_one_key_and_so_many_bytes(app, server, inbox):
    served(app, inbox, BULK_BY=first, BULK_SIZE=10, BULK_BYTES=4, BULK_FLUSH_INTERVAL=0.05)
    async with app.started():
        await (await server.stream()).send(events("a1", "b1", "a2", "a3", "b23"))
        batches = [[event.data for event in await inbox.batch()] for _ in range(4)]
    assert sorted(batches) == [["a1", "a2"], ["a3"], ["b1"], ["b23"]]


async def test_a_test_turns_the_clock_of_a_rate(inbox):
    app = App(connections=[SSEConnection("http://127.0.0.1:9")])
    served(app, inbox, RATE=Rate(1, per=60, burst=1))
    async with TestApp(app) as worker:
        for value in (1, 2, 3):
            await worker.feed("/x", value)
        await worker.idle()
        assert await inbox.data(1) == ["1"]
        await worker.advance(120)
        await worker.idle()
        assert await inbox.data(2) == ["2", "3"]


async def test_what_has_no_key_that_can_be_told_is_left_out(inbox, logs):
    app = App(connections=[SSEConnection("http://127.0.0.1:9")])
    served(app, inbox, ORDER_BY=lambda event: event.body["key"])
    async with TestApp(app) as worker:
        await worker.feed("/x", {"key": 1})
        await worker.feed("/x", {})
        await worker.idle()
        assert await inbox.data(1) == ['{"key": 1}']
    await logs.wait("left out an event whose key cannot be told by Options.ORDER_BY: KeyError")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ORDER_BY": "key"}, "Options.ORDER_BY: an event has no header 'key': give a function of"),
        ({"BULK_BY": "key", "BULK_SIZE": 2}, "Options.BULK_BY: an event has no header 'key'"),
        ({"RATE": Rate(1, by="key")}, "Options.RATE: an event has no header 'key'"),
        ({"RATE": Rate(1, shared=True)}, "Options.RATE: nobody knows who else reads an event"),
        (
            {"BULK_BYTES": 5},
            "Options.BULK_BYTES is about what a batch holds, and Options.BULK_SIZE",
        ),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(app, inbox, options, reason):
    with pytest.raises(ConfigurationError) as caught:
        served(app, inbox, **options)
    assert reason in str(caught.value)
