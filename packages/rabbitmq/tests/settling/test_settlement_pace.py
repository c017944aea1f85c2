"""How long the broker may need to take in what was settled."""

import asyncio

import pytest

from asyncworker.rabbitmq.settling.settlement_pace import AT_ONCE, EACH, SettlementPace

PREFETCH = 500


@pytest.fixture
def pace(still_clock):
    return SettlementPace(PREFETCH)


async def waited(pace, clock):
    """How many settlements it waits for, once the clock goes on."""
    waiting = asyncio.ensure_future(pace.caught_up())
    count = 0
    while True:
        # A turn for the task to come to its wait, or to its end.
        await clock.advance(EACH / 2)
        if waiting.done():
            return count
        await clock.advance(EACH / 2)
        count += 1


async def test_waits_for_nothing_that_is_taken_in_at_once(pace, still_clock):
    pace.note(AT_ONCE)
    assert await waited(pace, still_clock) == 0


async def test_waits_for_each_of_the_others(pace, still_clock):
    pace.note(AT_ONCE + 100)
    assert await waited(pace, still_clock) == 100


async def test_the_time_since_then_is_not_waited_for_again(pace, still_clock):
    pace.note(AT_ONCE + 100)
    await still_clock.advance(60 * EACH)
    pace.note(10)
    assert await waited(pace, still_clock) == 50


async def test_it_is_never_behind_by_more_than_was_delivered(pace, still_clock):
    for _ in range(9):
        pace.note(PREFETCH)
    assert await waited(pace, still_clock) == PREFETCH - AT_ONCE
