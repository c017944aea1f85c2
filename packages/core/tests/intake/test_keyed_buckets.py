"""Batches of one key each."""

from collections import defaultdict
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker.bucket import Bucket
from asyncworker.intake.keyed_buckets import KeyedBuckets
from asyncworker.intake.keys import Keys

pytestmark = pytest.mark.usefixtures("still_clock")
AGE = 60.0


def made(emit, *, size=2, limit=100, **limits):
    keys = Keys(lambda item: item[0], "Options.BULK_BY", None)
    return KeyedBuckets(keys, partial(Bucket, size, AGE, **limits), emit, limit)


async def test_a_batch_holds_one_key():
    batches = []
    buckets = made(batches.append)
    buckets.extend(["a1", "b1", "a2", "a3", "b2"])
    assert batches == [["a1", "a2"], ["b1", "b2"]]
    assert len(buckets) == 1
    buckets.flush()
    assert batches[2:] == [["a3"]]
    assert len(buckets) == 0


async def test_when_nothing_more_may_come_the_oldest_goes_out():
    batches = []
    buckets = made(batches.append, limit=3)
    buckets.extend(["a1", "b1"])
    assert batches == []
    buckets.extend(["c1"])
    assert batches == [["a1"]]
    assert len(buckets) == 2


async def test_each_waits_for_its_own_age(still_clock):
    batches = []
    buckets = made(batches.append)
    buckets.extend(["a1"])
    await still_clock.advance(30)
    buckets.extend(["b1"])
    await still_clock.advance(30)
    assert batches == [["a1"]]
    await still_clock.advance(30)
    assert batches == [["a1"], ["b1"]]


async def test_what_makes_room_is_another_batch_of_the_key():
    batches = []
    buckets = made(batches.append, size=10, weigh=len, most=5)
    buckets.extend(["a12", "a3", "a456", "b"])
    assert batches == [["a12", "a3"]]
    assert buckets.clear() == ["a456", "b"]
    assert len(buckets) == 0


@given(st.lists(st.sampled_from("abcd")), st.integers(1, 4), st.integers(1, 8))
def test_nothing_is_lost_and_the_order_of_a_key_is_kept(letters, size, limit):
    batches = []
    keys = Keys(lambda item: item[0], "", None)
    # No loop runs here: no batch gets old.
    buckets = KeyedBuckets(keys, partial(Ageless, size, AGE), batches.append, limit)
    items = [(letter, number) for number, letter in enumerate(letters)]
    for item in items:
        buckets.extend([item])
        assert len(buckets) < limit
    buckets.flush()
    by_key = defaultdict(list)
    for batch in batches:
        assert len({letter for letter, _ in batch}) == 1
        assert len(batch) <= size
        by_key[batch[0][0]] += batch
    assert by_key == {
        letter: [item for item in items if item[0] == letter] for letter in set(letters)
    }


class Ageless(Bucket):
    """Be a bucket whose batches wait for ever."""

    def _emit_or_wait(self):
        if len(self) >= self._size:
            self.flush()
