"""Items on their way to a handler, through all that may be in between."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from asyncworker import Rate
from asyncworker.dispatch import Dispatcher
from asyncworker.intake.delays import Delays
from asyncworker.intake.intake import Intake, Items
from asyncworker.intake.options import IntakeOptions
from packages.core.tests.waiting import LIMIT, turns

pytestmark = pytest.mark.usefixtures("still_clock")
LONG = 60.0


class Stage:
    """An intake, and a handler that notes what it is given, when its gate is open."""

    def __init__(self, limit=100, **options):
        self.handled = []
        self.refused = []
        self.gate = asyncio.Event()
        self.delays = Delays()
        self.dispatcher = Dispatcher(self._handle, lambda _batch, _raised: None, 2)
        items = Items(lambda key: key, len, lambda item: int(item[1:]), self._refuse)
        given = IntakeOptions(**options)
        self.intake = Intake(self.dispatcher, given, items, self.delays, "handler", LONG, limit)

    def _refuse(self, item, _error):
        self.refused.append(item)

    async def _handle(self, batch):
        await self.gate.wait()
        self.handled.append(batch)


@asynccontextmanager
async def staged(**options):
    stage = Stage(**options)
    async with stage.dispatcher:
        yield stage
        stage.gate.set()


def first(item):
    return item[0]


async def test_a_rate_an_order_and_batches_go_together():
    options = {"rate": Rate(4, burst=4), "order_by": first, "bulk_by": first, "bulk_size": 2}
    async with staged(**options) as stage:
        stage.gate.set()
        stage.intake.extend(["a1", "b1", "a2", "b2", "a3", "a4"])
        await turns()
        assert stage.handled == [["a1", "a2"], ["b1", "b2"]]
        assert len(stage.intake) == 2
        stage.delays.advance(1)
        await turns()
        assert stage.handled[2:] == [["a3", "a4"]]
        assert len(stage.intake) == 0


async def test_what_a_rate_lets_begin_begins_when_a_handler_ends():
    async with staged(rate=Rate(1000)) as stage:
        stage.intake.extend(["a1", "a2", "a3", "a4", "a5"])
        await turns()
        assert (len(stage.intake), len(stage.dispatcher.running())) == (3, 2)
        stage.gate.set()
        await turns()
        assert sorted(stage.handled) == [["a1"], ["a2"], ["a3"], ["a4"], ["a5"]]


async def test_what_a_rate_lets_begin_begins_though_a_batch_could_not_be_settled(caplog):
    def settle(batch, _raised):
        if batch == ["a1"]:
            raise ValueError

    async with staged(rate=Rate(1000)) as stage:
        stage.dispatcher.settle = settle
        stage.dispatcher.concurrency = 1
        stage.gate.set()
        stage.intake.extend(["a1", "a2"])
        await turns()
        assert stage.handled == [["a1"], ["a2"]]
        assert "could not be settled" in caplog.text


async def test_room_is_waited_for_while_too_much_waits_for_its_turn():
    async with staged(limit=3, order_by=first) as stage:
        stage.intake.extend(["a1", "a2", "a3", "a4"])
        waiting = asyncio.create_task(stage.intake.room())
        await turns()
        assert not waiting.done()
        stage.gate.set()
        async with asyncio.timeout(LIMIT):
            await waiting
        assert len(stage.intake) < 3


async def test_a_drain_hands_over_all_in_order_and_in_time():
    async with staged(rate=Rate(2, burst=1), order_by=first) as stage:
        stage.gate.set()
        stage.intake.extend(["a1", "a2", "b1"])
        draining = asyncio.create_task(stage.intake.drain())
        await turns()
        assert stage.handled == [["a1"]]
        stage.delays.advance(1)
        await turns()
        assert draining.done()
        # The next of a key comes behind what has waited for less.
        assert stage.handled == [["a1"], ["b1"], ["a2"]]


@pytest.mark.parametrize("order_by", [None, first])
async def test_what_is_withdrawn_is_all_that_no_handler_has(order_by):
    options = {"rate": Rate(1, burst=4), "order_by": order_by}
    async with staged(**options) as stage:
        stage.intake.extend(["a1", "b1", "c1", "c2", "d1"])
        await turns()
        assert sorted(stage.intake.withdraw()) == ["c1", "c2", "d1"]
        stage.gate.set()
        stage.delays.advance(10)
        await turns()
        assert stage.handled == [["a1"], ["b1"]]


async def test_one_that_is_tried_has_its_place_in_the_order():
    async with staged(order_by=first) as stage:
        stage.intake.extend(["a1"])
        assert stage.intake.try_one("a2")
        assert not stage.intake.try_one("")
        await turns()
        assert len(stage.intake) == 1
        stage.gate.set()
        await turns()
    assert stage.handled == [["a1"], ["a2"]]
    assert stage.refused == [""]


async def test_a_drain_ends_though_all_that_waits_is_refused():
    async with staged(rate=Rate(1, burst=1), bulk_by=first, bulk_size=2, order_by=first) as stage:
        stage.gate.set()
        stage.intake.extend(["a1", "", "b1", ""])
        draining = asyncio.create_task(stage.intake.drain())
        for _ in range(3):
            await turns()
            stage.delays.advance(1)
        await turns()
        assert draining.done()
    assert stage.handled == [["a1"], ["b1"]]
    assert stage.refused == ["", ""]


async def test_what_waits_for_its_turn_takes_no_token():
    async with staged(rate=Rate(10, burst=2), order_by=first) as stage:
        stage.intake.extend([f"a{number}" for number in range(20)])
        await turns()
        stage.delays.advance(60)
        stage.gate.set()
        await turns(200)
        # That one, and no more than a burst.
        assert len(stage.handled) == 3


async def test_a_key_goes_on_behind_one_whose_rate_cannot_be_told():
    def refuses_odd(item):
        if int(item[1:]) % 2:
            raise LookupError

    items = [f"a{number}" for number in range(400)]
    options = {"order_by": first, "rate": Rate(1000, burst=1000, by=refuses_odd)}
    async with staged(limit=1000, **options) as stage:
        stage.gate.set()
        stage.intake.extend(items)
        await turns(2000)
        assert stage.handled == [[item] for item in items[::2]]
        assert stage.refused == items[1::2]
        assert stage.intake.withdraw() == []


@pytest.mark.parametrize("order_by", [None, first])
async def test_what_comes_again_is_handled(order_by):
    async with staged(order_by=order_by) as stage:
        stage.gate.set()
        stage.intake.take_again(["a1", "b1"])
        await turns()
        assert stage.handled == [["a1"], ["b1"]]
