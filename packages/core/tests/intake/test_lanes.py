"""What shares a key is handled one after the other."""

import asyncio
from collections import Counter, defaultdict
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncworker.dispatch import Dispatcher
from asyncworker.intake.delays import Delays
from asyncworker.intake.keys import Keys
from asyncworker.intake.lanes import Lanes
from packages.core.tests.waiting import LIMIT, turns


def number_of(item):
    return int(item[1:])


class Stage:
    """A dispatcher behind lanes, whose handler waits until a test lets it go on."""

    def __init__(self, concurrency=10, settle=None):
        self.begun = []
        self.is_open = False
        self.refused = []
        self.doors = defaultdict(asyncio.Event)
        self.delays = Delays()
        self.dispatcher = Dispatcher(self._handle, settle or self._settle, concurrency)
        keys = Keys(lambda item: item[0], "Options.ORDER_BY", lambda *one: self.refused.append(one))
        self.lanes = Lanes(keys, number_of, self.delays, self.dispatcher, self.dispatcher)

    async def _handle(self, batch):
        self.begun.append(batch)
        if not self.is_open:
            await self.doors[tuple(batch)].wait()

    def _settle(self, batch, raised):
        return None

    async def open(self, *batch):
        self.doors[batch].set()
        await turns()

    def open_all(self):
        self.is_open = True
        for door in self.doors.values():
            door.set()


@pytest.fixture
async def stage():
    stage = Stage()
    async with stage.dispatcher:
        yield stage
        stage.open_all()


async def test_a_key_is_handled_once_at_a_time_and_others_beside_it(stage):
    for item in ("a1", "a2", "b1", "a3", "b2"):
        stage.lanes.submit([item])
    await turns()
    assert stage.begun == [["a1"], ["b1"]]
    assert len(stage.lanes) == 3
    await stage.open("b1")
    assert stage.begun == [["a1"], ["b1"], ["b2"]]
    await stage.open("a1")
    await stage.open("a2")
    assert stage.begun == [["a1"], ["b1"], ["b2"], ["a2"], ["a3"]]


async def test_a_batch_waits_for_all_of_its_keys(stage):
    for batch in (["a1"], ["b1"], ["a2", "b2", "c1"], ["c2"]):
        stage.lanes.submit(batch)
    await turns()
    assert stage.begun == [["a1"], ["b1"]]
    await stage.open("a1")
    assert len(stage.begun) == 2
    await stage.open("b1")
    assert stage.begun[2:] == [["a2", "b2", "c1"]]
    await stage.open("a2", "b2", "c1")
    assert stage.begun[3:] == [["c2"]]


async def test_a_key_is_gone_when_it_is_empty(stage):
    stage.open_all()
    for number in range(1000):
        stage.lanes.submit([(number, 1)])
    await turns(2000)
    assert len(stage.begun) == 1000
    assert not stage.lanes._lanes
    assert not stage.lanes._places


async def test_what_has_no_key_waits_for_nothing(stage):
    for _ in range(3):
        stage.lanes.submit([(None, 1)])
    await turns()
    assert len(stage.begun) == 3


async def test_what_is_held_later_keeps_its_order(stage):
    stage.lanes.submit(["a0"])
    stage.lanes.submit(["a9"])
    await turns()
    for item in ("a1", "a2", "a3"):
        stage.lanes.hold(item, 5)
    stage.delays.advance(5)
    stage.open_all()
    await turns()
    assert stage.begun == [["a0"], ["a1"], ["a2"], ["a3"], ["a9"]]


async def test_what_comes_again_in_batches_of_several_keys_waits_for_no_ring(stage):
    stage.lanes.submit(["a1"])
    stage.lanes.submit(["b1"])
    stage.lanes.submit(["a2", "b2"])
    await turns()
    await stage.open("a1")
    stage.lanes.submit_first([["a0", "b0"]])
    stage.open_all()
    await turns()
    handled = sorted(item for batch in stage.begun for item in batch)
    assert handled == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert not stage.lanes._lanes


async def test_what_is_withdrawn_holds_what_went_past_the_lanes(stage):
    for number in range(10):
        stage.lanes.submit([f"{number}1"])
    stage.dispatcher.submit(["tried"])
    assert "tried" in stage.lanes.withdraw()


async def test_what_is_held_and_what_was_split_stay_in_order():
    def settle(batch, raised):
        if batch == ["a0", "a1", "a2", "a3"]:
            stage.lanes.hold("a1", 5)
            stage.lanes.submit_first([["a0"], ["a2", "a3"]])

    stage = Stage(settle=settle)
    async with stage.dispatcher:
        stage.lanes.submit(["a0", "a1", "a2", "a3"])
        await turns()
        await stage.open("a0", "a1", "a2", "a3")
        stage.open_all()
        await turns()
        assert stage.begun[1:] == [["a0"]]
        stage.delays.advance(5)
        await turns()
    assert stage.begun[2:] == [["a1"], ["a2"], ["a3"]]


@pytest.mark.parametrize("item", ["", 5, [[]], ({}, 1)])
async def test_what_has_a_key_that_cannot_be_told_is_refused(stage, item):
    stage.lanes.submit([item])
    stage.lanes.submit([item, "a1"])
    await turns()
    assert stage.begun == [["a1"]]
    assert [one for one, _ in stage.refused] == [item, item]
    assert str(stage.refused[0][1]).startswith("key cannot be told by Options.ORDER_BY: ")


async def test_not_even_what_ends_processes_stops_it():
    refused = []

    def leave(item):
        raise SystemExit

    keys = Keys(leave, "Options.ORDER_BY", lambda item, error: refused.append(item))
    assert keys.distinct([1]) == ([], ())
    assert list(keys.pairs([2])) == []
    assert keys.known([3]) == set()
    assert refused == [1, 2]


async def test_what_a_batch_became_goes_before_all_else_of_its_keys():
    def settle(batch, raised):
        if batch == ["a1", "b1"]:
            stage.lanes.submit_first([["a1"], ["b1"]])

    stage = Stage(settle=settle)
    async with stage.dispatcher:
        for batch in (["a1", "b1"], ["a2"], ["b2"]):
            stage.lanes.submit(batch)
        await turns()
        await stage.open("a1", "b1")
        assert stage.begun[1:] == [["a1"]]
        await stage.open("a1")
        # As nothing of it follows, its key goes on.
        assert stage.begun[2:] == [["b1"], ["a2"]]
        await stage.open("b1")
        assert stage.begun[4:] == [["b2"]]
        stage.open_all()


async def test_a_held_item_keeps_its_key_alone_waiting():
    def settle(batch, raised):
        if "a1" in batch and len(stage.begun) == 1:
            stage.lanes.hold("a1", 5)

    stage = Stage(settle=settle)
    async with stage.dispatcher:
        for batch in (["a1", "b1"], ["a2"], ["b2"]):
            stage.lanes.submit(batch)
        await turns()
        await stage.open("a1", "b1")
        assert stage.begun[1:] == [["b2"]]
        assert stage.lanes.count_held() == 2
        stage.delays.advance(5)
        await turns()
        assert stage.begun[2:] == [["a1"]]
        assert stage.lanes.count_held() == 0
        await stage.open("a1")
        assert stage.begun[3:] == [["a2"]]
        stage.open_all()


async def test_what_is_held_later_waits_for_whoever_is_at_its_key(stage):
    stage.lanes.submit(["a2"])
    stage.lanes.submit(["a3"])
    await turns()
    stage.lanes.hold("a1", 5)
    stage.delays.advance(5)
    await turns()
    assert stage.begun == [["a2"]]
    await stage.open("a2")
    assert stage.begun[1:] == [["a1"]]
    await stage.open("a1")
    assert stage.begun[2:] == [["a3"]]


async def test_what_comes_again_goes_first(stage):
    for item in ("a1", "a2"):
        stage.lanes.submit([item])
    await turns()
    stage.lanes.submit_first([["a0"], ["b0"]])
    await turns()
    assert stage.begun == [["a1"], ["b0"]]
    await stage.open("a1")
    assert stage.begun[2:] == [["a0"]]


async def test_what_is_withdrawn_is_all_that_no_handler_has():
    def settle(batch, raised):
        if batch == ["c1"]:
            stage.lanes.hold("c1", 5)
        if batch == ["d1", "d2"]:
            stage.lanes.submit_first([["d1"], ["d2"]])

    stage = Stage(concurrency=2, settle=settle)
    async with stage.dispatcher:
        for batch in (["c1"], ["c2"], ["d1", "d2"], ["a1"], ["a2"], ["b1"]):
            stage.lanes.submit(batch)
        await turns()
        await stage.open("c1")
        await stage.open("d1", "d2")
        assert stage.begun[2:] == [["d1"], ["a1"]] or stage.begun[2:] == [["a1"], ["d1"]]
        assert sorted(stage.lanes.withdraw()) == ["a2", "b1", "c1", "c2", "d2"]
        assert len(stage.lanes) == 0
        stage.delays.advance(5)
        # Those that run keep their keys.
        for item in ("a3", "d3", "c3"):
            stage.lanes.submit([item])
        await stage.open("a1")
        await stage.open("d1")
        await stage.open("c3")
        assert sorted(stage.begun[4:]) == [["a3"], ["c3"], ["d3"]]
        stage.open_all()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4), max_size=25),
    st.integers(0, 2**32),
    st.integers(1, 6),
)
def test_whatever_fails_each_key_is_in_order_and_nothing_is_lost(shapes, seed, concurrency):
    # Not Hypothesis' own: what ends an example must not be raised within a handler.
    asyncio.run(_run_through(shapes, Random(seed), concurrency))


class Unruly:
    """A handler that fails at random, and a settling that has what failed handled once more."""

    def __init__(self, random, total):
        self.done = []
        self.ended = asyncio.Event()
        self.lanes = None
        self._random = random
        self._total = total
        self._running = set()
        self._failures = Counter()

    async def handle(self, batch):
        keys = {key for key, _ in batch}
        assert not keys & self._running, "two batches of one key at a time"
        self._running |= keys
        for _ in range(self._random.randrange(3)):
            await asyncio.sleep(0)
        self._running -= keys
        may_fail = all(self._failures[item] < 3 for item in batch)
        if may_fail and self._random.random() < 0.4:
            raise ValueError

    def settle(self, batch, raised):
        if raised is None:
            self.done += batch
            if len(self.done) == self._total:
                self.ended.set()
            return
        assert isinstance(raised, ValueError), raised
        self._failures.update(batch)
        if self._random.random() < 0.5:
            middle = len(batch) // 2
            halves = batch[:middle], batch[middle:]
            self.lanes.submit_first([half for half in halves if half])
        else:
            for item in batch:
                self.lanes.hold(item, 0.0)


async def _run_through(shapes, random, concurrency):
    numbers = count()
    batches = [[(key, next(numbers)) for key in shape] for shape in shapes]
    items = [item for batch in batches for item in batch]
    unruly = Unruly(random, len(items))
    dispatcher = Dispatcher(unruly.handle, unruly.settle, concurrency)
    keys = Keys(lambda item: item[0], "", None)
    unruly.lanes = lanes = Lanes(keys, lambda item: item[1], Delays(), dispatcher, dispatcher)
    async with asyncio.timeout(LIMIT), dispatcher:
        for batch in batches:
            lanes.submit(batch)
            if random.random() < 0.3:
                await asyncio.sleep(0)
        if items:
            await unruly.ended.wait()
    assert sorted(unruly.done) == sorted(items)
    for key in "abcde":
        of_key = [number for name, number in unruly.done if name == key]
        assert of_key == sorted(of_key)
    assert not lanes._lanes
    assert not lanes._places
