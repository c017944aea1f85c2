"""Items at a rate, by a clock that a test turns."""

import pytest

from asyncworker import Rate
from asyncworker.intake.delays import Delays
from asyncworker.intake.keys import Keys
from asyncworker.intake.throttle import Throttle

pytestmark = pytest.mark.usefixtures("still_clock")


@pytest.fixture
def delays():
    return Delays()


@pytest.fixture
def passed():
    return []


def made(rate, passed, delays, keys=None):
    return Throttle(rate, passed.extend, delays, keys)


async def test_a_burst_goes_on_and_the_rest_at_the_rate(passed, delays):
    throttle = made(Rate(2, per=1, burst=3), passed, delays)
    throttle.extend(list(range(8)))
    assert passed == [0, 1, 2]
    assert len(throttle) == 5
    delays.advance(0.4)
    assert passed == [0, 1, 2]
    delays.advance(0.1)
    assert passed == [0, 1, 2, 3]
    delays.advance(2)
    assert passed == list(range(8))
    assert len(throttle) == 0


async def test_what_comes_later_waits_behind(passed, delays):
    throttle = made(Rate(1, per=1, burst=1), passed, delays)
    throttle.extend(["a", "b"])
    delays.advance(0.5)
    throttle.extend(["c"])
    assert passed == ["a"]
    delays.advance(1.5)
    assert passed == ["a", "b", "c"]


async def test_a_rest_earns_no_more_than_a_burst(passed, delays):
    throttle = made(Rate(10, per=1, burst=2), passed, delays)
    throttle.extend([1, 2])
    delays.advance(1000)
    throttle.extend([3, 4, 5])
    assert passed == [1, 2, 3, 4]


async def test_over_a_long_time_it_is_the_rate(passed, delays):
    throttle = made(Rate(100, per=60, burst=1), passed, delays)
    throttle.extend(list(range(1000)))
    for _ in range(5):
        delays.advance(60)
    assert 500 <= len(passed) <= 501


async def test_what_is_cleared_is_returned_and_passes_no_more(passed, delays):
    throttle = made(Rate(1, burst=1), passed, delays)
    throttle.extend([1, 2, 3])
    assert throttle.clear() == [2, 3]
    delays.advance(100)
    assert passed == [1]
    throttle.extend([4])
    assert passed == [1, 4]


async def test_each_key_has_a_rate_of_its_own(passed, delays):
    refused = []
    keys = Keys(lambda item: item[0], "Options.RATE", lambda item, _: refused.append(item))
    throttle = made(Rate(1, burst=1), passed, delays, keys)
    throttle.extend(["a1", "a2", "b1", "", "b2"])
    assert passed == ["a1", "b1"]
    assert refused == [""]
    delays.advance(1)
    assert passed == ["a1", "b1", "a2", "b2"]


async def test_what_has_no_key_waits_for_nothing(passed, delays):
    throttle = made(Rate(1, burst=1), passed, delays, Keys(lambda _: None, "", None))
    throttle.extend([1, 2, 3])
    assert passed == [1, 2, 3]


async def test_a_key_is_forgotten_when_it_has_rested(passed, delays):
    throttle = made(Rate(10, burst=4), passed, delays, Keys(lambda item: item, "", None))
    throttle.extend([*range(1000), 0, 0])
    assert len(throttle._taps) == 1000
    delays.advance(0.15)
    assert list(throttle._taps) == [0]
    throttle.extend([0, 0, 0])
    assert len(passed) == 1004
    delays.advance(0.1)
    assert len(passed) == 1005
    delays.advance(0.5)
    assert not throttle._taps
    throttle.extend([0])
    assert len(passed) == 1006


async def test_a_share_is_a_part_of_it(passed, delays):
    throttle = made(Rate(10, burst=4, shared=True), passed, delays)
    assert throttle.is_shared
    throttle.share(2)
    throttle.extend(list(range(20)))
    assert len(passed) == 2
    delays.advance(1)
    assert len(passed) == 7
    throttle.share(1)
    delays.advance(1)
    assert len(passed) == 17
    throttle.share(0)
    delays.advance(0.3)
    assert passed == list(range(20))
