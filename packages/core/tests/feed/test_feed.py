import asyncio
import threading

import pytest

from asyncworker import App
from asyncworker.dispatch import Dispatcher
from asyncworker.errors import ConfigurationError
from asyncworker.feed import (
    BatchEnded,
    BatchStarted,
    Connected,
    Feed,
    SourceChanged,
    Statistics,
)
from asyncworker.feed.subscription import MOST
from packages.core.tests.waiting import turns


class Seen:
    """What a subscriber was told."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    async def __call__(self, events):
        self.events += events
        self._changed.set()

    async def first(self, kind, limit, number=1):
        """Return the first events of a kind, once there are so many."""
        async with asyncio.timeout(limit):
            while len(found := [one for one in self.events if isinstance(one, kind)]) < number:
                self._changed.clear()
                await self._changed.wait()
        return found


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def app():
    return App()


async def test_tells_of_each_run_of_a_schedule(app, seen, limit):
    app.feed.subscribe(BatchStarted, BatchEnded)(seen)

    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        [started] = await seen.first(BatchStarted, limit)
        [ended] = await seen.first(BatchEnded, limit)
    assert started.activity is ended.activity
    assert (ended.activity.kind, ended.activity.name.split(".")[-1]) == ("schedule", "tidy")
    assert (started.size, ended.size, ended.error) == (1, 1, None)
    assert ended.outcomes == {("every 3600 s", "done"): 1}
    assert started.at == pytest.approx(ended.started_at, abs=0.01)
    assert 0 < ended.seconds < limit


async def test_tells_of_a_start_while_the_handler_still_runs(app, seen, limit):
    app.feed.subscribe(BatchStarted, BatchEnded)(seen)
    told = asyncio.Event()

    @app.run_every(3600)
    async def tidy():
        await told.wait()

    async with app.started():
        await seen.first(BatchStarted, limit)
        [activity] = app.feed.activities
        assert activity.load().in_flight == 1
        told.set()
        await seen.first(BatchEnded, limit)
    assert len(seen.events) == 2


async def test_tells_what_was_raised(app, seen, limit):
    app.feed.subscribe(BatchEnded)(seen)

    @app.run_every(3600)
    async def tidy():
        raise ValueError("no room")

    async with app.started():
        [ended] = await seen.first(BatchEnded, limit)
        [activity] = app.feed.activities
    assert ended.error == "ValueError('no room')"
    assert ended.outcomes == {("every 3600 s", "failed"): 1}
    assert activity.failures == 1
    assert activity.last_error[0] == "ValueError('no room')"


async def test_tells_when_a_source_is_worked_on_and_when_no_more(app, seen, limit):
    app.feed.subscribe(SourceChanged)(seen)

    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        await seen.first(SourceChanged, limit)
        assert app.feed.phase == "working"
    assert [one.state for one in seen.events] == ["working", "draining", "ended"]
    assert {one.source for one in seen.events} == {"every 3600 s"}
    assert app.feed.phase == "off"


async def test_tells_all_kinds_where_none_is_named(app, seen, limit):
    app.feed.subscribe()(seen)

    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        await seen.first(BatchEnded, limit)
    assert {type(one) for one in seen.events} == {BatchStarted, BatchEnded, SourceChanged}


async def test_tells_plain_functions_in_threads(app, limit):
    told = threading.Event()

    @app.feed.subscribe(SourceChanged)
    def see(_events):
        assert threading.current_thread() is not threading.main_thread()
        told.set()

    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        assert await asyncio.to_thread(told.wait, limit)


async def test_goes_on_after_a_subscriber_has_raised(app, seen, limit, logs):
    @app.feed.subscribe(SourceChanged)
    async def break_down(_events):
        raise ValueError("broken")

    app.feed.subscribe(BatchEnded)(seen)

    @app.run_every(0.01)
    async def tidy():
        pass

    async with app.started():
        await logs.wait("break_down raised ValueError")
        await seen.first(BatchEnded, limit, number=3)


async def test_drops_the_oldest_events_of_a_subscriber_that_stalls(app, logs):
    told = []
    stalls = asyncio.Event()

    @app.feed.subscribe(Connected)
    async def stall(events):
        told.extend(events)
        stalls.set()
        await asyncio.Event().wait()

    async with app.started():
        app.feed.tell(Connected("0", 0))
        await stalls.wait()
        for number in range(1, MOST + 2):
            app.feed.tell(Connected(str(number), 0))
        await logs.wait("is slow")
        [subscription] = app.feed._subscriptions
        assert subscription._events[0].connection == "2"
        assert len(subscription._events) == MOST
    assert len(told) == 1


async def test_tells_what_is_left_when_the_run_ends(app, seen):
    app.feed.subscribe(BatchEnded)(seen)

    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        await turns()
    assert len(seen.events) == 1


async def test_records_nothing_where_nobody_wants_to_know(app):
    @app.run_every(3600)
    async def tidy():
        pass

    async with app.started():
        assert [one.recording for one in app.feed.activities] == [None]


async def test_records_no_outcomes_batch_by_batch_for_totals_alone(app):
    statistics = Statistics()
    app.feed.add(statistics)
    ran = asyncio.Event()

    @app.run_every(3600)
    async def tidy():
        ran.set()

    async with app.started():
        await ran.wait()
        [activity] = app.feed.activities
        await turns()
        app.feed.flush()
        assert statistics.totals[activity].seconds.count == 1
        assert statistics.totals[activity].sizes.sum == 1
        assert activity.outcomes == {("every 3600 s", "done"): 1}


def test_refuses_what_is_no_event(app):
    with pytest.raises(ConfigurationError, match=r"subscribe\(\) takes BatchStarted, .* got 3"):
        app.feed.subscribe(3)


async def test_refuses_subscribers_and_readers_once_the_app_runs(app, seen):
    async with app.started():
        with pytest.raises(ConfigurationError, match="runs already"):
            app.feed.subscribe()(seen)
        with pytest.raises(ConfigurationError, match="runs already"):
            app.feed.add(Statistics())


async def test_a_dispatcher_tells_of_each_batch():
    feed = Feed(lambda _kind, function: function)
    statistics = Statistics()
    feed.add(statistics)
    entered, goes_on = asyncio.Event(), asyncio.Event()

    async def handler(_batch):
        entered.set()
        await goes_on.wait()

    async with feed.running():
        activity = feed.activity("own", "handler", ["here"])
        async with Dispatcher(handler, lambda _batch, _raised: None, 1, activity) as dispatcher:
            dispatcher.submit([1, 2])
            dispatcher.submit([3])
            await entered.wait()
            assert activity.load().in_flight == 2
            assert dispatcher.waiting() == 1
            assert activity.load().oldest > 0
            goes_on.set()
        feed.flush()
        assert activity.load().in_flight == 0
    assert statistics.totals[activity].sizes.buckets()[:2] == [(1, 1), (2, 2)]
    assert activity.outcomes == {("here", "done"): 3}


async def test_a_cancelled_batch_leaves_no_trace_behind():
    feed = Feed(lambda _kind, function: function)
    feed.add(Statistics())
    entered = asyncio.Event()

    async def handler(_batch):
        entered.set()
        await asyncio.Event().wait()

    async with feed.running():
        activity = feed.activity("own", "handler", ["here"])
        dispatcher = Dispatcher(handler, lambda _batch, _raised: True, 1, activity)
        with pytest.raises(RuntimeError):
            async with dispatcher:
                dispatcher.submit([1])
                await entered.wait()
                raise RuntimeError
        assert activity.load().in_flight == 0
        assert activity.taken() is None
        assert not dispatcher._began
