import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncworker.bucket import Bucket

AGE = 60.0


@pytest.fixture
def batches():
    return []


async def test_a_batch_goes_out_when_it_is_full(batches):
    bucket = Bucket(2, AGE, batches.append)
    for item in range(5):
        bucket.add(item)
    assert batches == [[0, 1], [2, 3]]
    assert len(bucket) == 1


async def test_a_bucket_of_one_holds_nothing_back(batches):
    bucket = Bucket(1, AGE, batches.append)
    bucket.add("a")
    assert batches == [["a"]]
    assert len(bucket) == 0


async def test_a_batch_goes_out_when_its_oldest_item_is_of_age(batches, clock):
    bucket = Bucket(10, AGE, batches.append)
    bucket.add("old")
    await clock.advance(40)
    bucket.add("young")
    await clock.advance(19)
    assert batches == []
    await clock.advance(2)
    assert batches == [["old", "young"]]


async def test_the_first_batch_that_waits_for_long_is_told_of_once(batches, clock):
    waiting = []
    bucket = Bucket(10, AGE, batches.append, waiting.append)
    for _ in range(2):
        bucket.add(1)
        await clock.advance(4)
        bucket.add(2)
        await clock.advance(2)
        assert waiting == [2]
        await clock.advance(53)
        bucket.add(3)
        assert batches == []
        await clock.advance(2)
        assert batches.pop() == [1, 2, 3]


async def test_a_batch_that_goes_out_before_is_not_told_of(batches, clock):
    waiting = []
    full, young = (Bucket(2, age, batches.append, waiting.append) for age in (AGE, 5.0))
    for bucket in (full, young):
        bucket.add(1)
    await clock.advance(4)
    full.add(2)
    await clock.advance(2)
    assert batches == [[1, 2], [1]]
    assert waiting == []


async def test_the_age_counts_anew_for_each_batch(batches, clock):
    bucket = Bucket(2, AGE, batches.append)
    bucket.add(1)
    await clock.advance(40)
    bucket.add(2)
    bucket.add(3)
    await clock.advance(40)
    assert batches == [[1, 2]]
    await clock.advance(21)
    assert batches == [[1, 2], [3]]


async def test_an_empty_bucket_emits_nothing_however_long_it_waits(batches, clock):
    bucket = Bucket(2, AGE, batches.append)
    bucket.add(1)
    bucket.add(2)
    await clock.advance(10 * AGE)
    assert batches == [[1, 2]]


async def test_flush_emits_what_is_there_at_once(batches):
    bucket = Bucket(10, AGE, batches.append)
    bucket.flush()
    bucket.add(1)
    bucket.flush()
    assert batches == [[1]]


async def test_clear_returns_the_items_and_they_are_never_emitted(batches, clock):
    bucket = Bucket(10, AGE, batches.append)
    bucket.add(1)
    bucket.add(2)
    assert bucket.clear() == [1, 2]
    assert bucket.clear() == []
    await clock.advance(10 * AGE)
    assert batches == []


async def test_an_item_added_after_clear_waits_its_own_full_time(batches, clock):
    bucket = Bucket(10, AGE, batches.append)
    bucket.add(1)
    await clock.advance(40)
    bucket.clear()
    bucket.add(2)
    await clock.advance(40)
    assert batches == []
    await clock.advance(21)
    assert batches == [[2]]


async def test_a_bucket_may_be_filled_by_what_it_emits_to():
    batches = []

    def emit(batch):
        batches.append(batch)
        if len(batches) == 1:
            bucket.add("again")

    bucket = Bucket(2, AGE, emit)
    bucket.add(1)
    bucket.add(2)
    assert batches == [[1, 2]]
    assert bucket.clear() == ["again"]


async def test_it_leaves_no_task_and_no_timer_once_it_is_empty(batches):
    bucket = Bucket(3, AGE, batches.append)
    bucket.add(1)
    bucket.clear()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert bucket._timer is None


@given(
    size=st.integers(1, 8),
    actions=st.lists(st.one_of(st.integers(), st.sampled_from(["flush", "clear"])), max_size=60),
)
def test_every_item_is_in_exactly_one_batch_and_in_order(size, actions):
    emitted, taken = [], []

    def emit(batch):
        emitted.append(batch)
        taken.extend(batch)

    async def fill():
        bucket = Bucket(size, AGE, emit)
        for action in actions:
            if action == "flush":
                bucket.flush()
            elif action == "clear":
                taken.extend(bucket.clear())
            else:
                bucket.add(action)
            assert len(bucket) < size
        taken.extend(bucket.clear())

    asyncio.run(fill())
    assert taken == [action for action in actions if isinstance(action, int)]
    assert all(1 <= len(batch) <= size for batch in emitted)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 5))
def test_many_items_at_once_are_as_many_items_in_turn(sizes, size):
    async def emitted(add_all):
        batches = []
        bucket = Bucket(size, AGE, batches.append)
        for count in sizes:
            add_all(bucket, list(range(count)))
        return [*batches, bucket.clear()]

    def one_by_one(bucket, items):
        for item in items:
            bucket.add(item)

    assert asyncio.run(emitted(Bucket.extend)) == asyncio.run(emitted(one_by_one))
