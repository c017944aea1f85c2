"""Batches at a rate, by a clock that a test turns."""

import pytest

from asyncworker import Rate
from asyncworker.intake.delays import Delays
from asyncworker.intake.keys import Keys
from asyncworker.intake.throttle import Throttle

pytestmark = pytest.mark.usefixtures("still_clock")


class Workers:
    """A dispatcher whose workers are done with a batch when a test says so."""

    def __init__(self, concurrency):
        self.concurrency = concurrency
        self.begun = []
        self.ended = 0
        self.waiting = []

    def submit(self, batch):
        self.begun.append(batch)

    def submit_all(self, batches):
        self.begun += batches

    def unsettled(self):
        return len(self.begun) - self.ended

    def end(self):
        self.ended += 1
        self.on_idle()

    def withdraw(self):
        waiting, self.waiting = self.waiting, []
        return waiting


class Stage:
    """A throttle before such workers, who are many unless a test says how many."""

    def __init__(self, rate, keys=None, concurrency=10_000):
        self.delays = Delays()
        self.workers = Workers(concurrency)
        self.throttle = Throttle(rate, self.delays, self.workers, keys)

    @property
    def passed(self):
        return [item for batch in self.workers.begun for item in batch]

    def submit(self, *items):
        for item in items:
            self.throttle.submit([item])


async def test_a_burst_goes_on_and_the_rest_at_the_rate():
    stage = Stage(Rate(2, per=1, burst=3))
    stage.submit(*range(8))
    assert stage.passed == [0, 1, 2]
    assert len(stage.throttle) == 5
    stage.delays.advance(0.4)
    assert stage.passed == [0, 1, 2]
    stage.delays.advance(0.1)
    assert stage.passed == [0, 1, 2, 3]
    stage.delays.advance(2)
    assert stage.passed == list(range(8))
    assert len(stage.throttle) == 0


async def test_what_comes_later_waits_behind_and_what_came_before_goes_first():
    stage = Stage(Rate(1, per=1, burst=1))
    stage.submit("a", "b")
    stage.delays.advance(0.5)
    stage.submit("c")
    stage.throttle.submit_first([["1"], ["2"]])
    assert stage.passed == ["a"]
    stage.delays.advance(3.5)
    assert stage.passed == ["a", "1", "2", "b", "c"]


async def test_what_goes_first_and_may_begin_keeps_its_order():
    stage = Stage(Rate(10, burst=10))
    stage.throttle.submit_first([["1"], ["2"]])
    assert stage.passed == ["1", "2"]


async def test_a_rest_earns_no_more_than_a_burst():
    stage = Stage(Rate(10, per=1, burst=2))
    stage.submit(1, 2)
    stage.delays.advance(1000)
    stage.submit(3, 4, 5)
    assert stage.passed == [1, 2, 3, 4]


async def test_over_a_long_time_it_is_the_rate():
    stage = Stage(Rate(100, per=60, burst=1))
    stage.submit(*range(1000))
    for _ in range(5):
        stage.delays.advance(60)
    assert 500 <= len(stage.passed) <= 501


async def test_what_no_worker_is_free_for_takes_no_token():
    stage = Stage(Rate(10, burst=3), concurrency=1)
    stage.submit(*range(20))
    assert stage.passed == [0]
    # While nobody is free, tokens come, but no more than a burst.
    stage.delays.advance(100)
    assert stage.passed == [0]
    for _ in range(3):
        stage.workers.end()
    assert stage.passed == [0, 1, 2, 3]
    stage.workers.end()
    assert stage.passed == [0, 1, 2, 3]
    stage.delays.advance(0.1)
    assert stage.passed == [0, 1, 2, 3, 4]


async def test_a_batch_needs_a_token_for_each_item_and_may_leave_a_debt():
    stage = Stage(Rate(1, burst=4))
    stage.throttle.submit([1, 2, 3])
    stage.throttle.submit(list("abcdef"))
    stage.throttle.submit(["last"])
    assert stage.workers.begun == [[1, 2, 3]]
    stage.delays.advance(3)
    assert stage.workers.begun[1:] == [list("abcdef")]
    # Two are owed, and one is needed.
    stage.delays.advance(2.9)
    assert len(stage.workers.begun) == 2
    stage.delays.advance(0.1)
    assert stage.workers.begun[2:] == [["last"]]


async def test_what_is_withdrawn_is_returned_and_passes_no_more():
    stage = Stage(Rate(1, burst=1))
    stage.submit(1, 2, 3)
    stage.workers.waiting = [[1]]
    assert stage.throttle.withdraw() == [[1], [2], [3]]
    stage.delays.advance(100)
    assert stage.passed == [1]
    stage.submit(4)
    assert stage.passed == [1, 4]


def keyed(refuse=None):
    return Keys(lambda item: item[0], "Options.RATE", refuse)


async def test_each_key_has_a_rate_of_its_own():
    refused = []
    stage = Stage(Rate(1, burst=1), keyed(lambda item, _: refused.append(item)))
    stage.submit("a1", "a2", "b1", "", "b2")
    assert stage.passed == ["a1", "b1"]
    assert refused == [""]
    stage.delays.advance(1)
    assert stage.passed == ["a1", "b1", "a2", "b2"]


async def test_what_has_no_key_waits_for_nothing():
    stage = Stage(Rate(1, burst=1), Keys(lambda _: None, "", None))
    stage.submit(1, 2, 3)
    assert stage.passed == [1, 2, 3]


async def test_keys_whose_workers_are_busy_have_their_turn():
    stage = Stage(Rate(10, burst=10), keyed(), concurrency=1)
    stage.submit("a1", "a2", "b1")
    assert stage.passed == ["a1"]
    stage.workers.end()
    stage.workers.end()
    assert sorted(stage.passed) == ["a1", "a2", "b1"]


async def test_many_at_once_begin_as_one_by_one_would():
    stage = Stage(Rate(10, burst=4), concurrency=3)
    stage.throttle.submit_all([[1], [2]])
    assert stage.passed == [1, 2]
    stage.throttle.submit_all([[3], [4], [5]])
    assert stage.passed == [1, 2, 3]
    stage.throttle.submit_all([[6]])
    for _ in range(3):
        stage.workers.end()
    assert stage.passed == [1, 2, 3, 4]
    stage.delays.advance(0.2)
    assert stage.passed == [1, 2, 3, 4, 5, 6]


async def test_keys_share_the_places_that_are_free_in_turn():
    stage = Stage(Rate(10, burst=10), keyed(), concurrency=4)
    stage.throttle.submit_all([[item] for item in ("c1", "c2", "c3", "c4", "a1", "a2", "b1", "b2")])
    assert stage.passed == ["c1", "c2", "c3", "c4"]
    stage.workers.ended += 2
    stage.workers.end()
    assert sorted(stage.passed[4:]) == ["a1", "a2", "b1"]


async def test_a_key_is_forgotten_when_it_has_rested():
    stage = Stage(Rate(10, burst=4), Keys(lambda item: item, "", None))
    stage.submit(*range(1000), 0, 0)
    assert len(stage.throttle._taps) == 1000
    stage.delays.advance(0.15)
    assert list(stage.throttle._taps) == [0]
    stage.delays.advance(0.5)
    assert not stage.throttle._taps
    stage.submit(0)
    assert len(stage.passed) == 1003


async def test_a_share_is_a_part_of_it():
    stage = Stage(Rate(10, burst=4, shared=True))
    assert stage.throttle.is_shared
    stage.throttle.share(2)
    stage.submit(*range(20))
    assert len(stage.passed) == 2
    stage.delays.advance(1)
    assert len(stage.passed) == 7
    stage.throttle.share(1)
    stage.delays.advance(1)
    assert len(stage.passed) == 17
    stage.throttle.share(0)
    stage.delays.advance(0.3)
    assert stage.passed == list(range(20))
