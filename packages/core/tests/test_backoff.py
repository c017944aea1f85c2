import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker.backoff import Backoff


@pytest.fixture
def no_jitter(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _low, high: high)


@pytest.mark.usefixtures("no_jitter")
def test_each_delay_is_twice_the_last_up_to_the_limit():
    backoff = Backoff(first=0.5, limit=3.0)
    assert [backoff.delay() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.usefixtures("no_jitter")
def test_reset_starts_again_from_the_first_delay():
    backoff = Backoff(first=0.5, limit=3.0)
    backoff.delay()
    backoff.delay()
    backoff.reset()
    assert backoff.delay() == 0.5


@given(first=st.floats(0.001, 10), factor=st.floats(1, 100), count=st.integers(1, 20))
def test_a_delay_lies_in_the_upper_half_of_what_it_may_be(first, factor, count):
    limit = first * factor
    backoff = Backoff(first, limit)
    for attempt in range(count):
        ceiling = min(first * 2**attempt, limit)
        assert ceiling * 0.49 <= backoff.delay() <= ceiling * 1.01


def test_two_clients_do_not_wait_for_the_same_time():
    assert len({Backoff().delay() for _ in range(20)}) > 1


@pytest.mark.usefixtures("no_jitter")
async def test_wait_takes_the_delay(clock):
    waiting = asyncio.create_task(Backoff(first=10, limit=60).wait())
    await asyncio.sleep(0)
    await clock.advance(9)
    assert not waiting.done()
    await clock.advance(2)
    assert waiting.done()
    await waiting


async def test_cancelling_the_caller_ends_the_wait_at_once():
    waiting = asyncio.create_task(Backoff(first=1000, limit=1000).wait())
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await waiting
