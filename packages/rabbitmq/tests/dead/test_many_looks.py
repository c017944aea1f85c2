"""Looking at dead letters, however often, drops none: a quorum queue counts what comes back."""

import pytest

from asyncworker.rabbitmq import Queue
from asyncworker.rabbitmq.dead import DeadQueue
from asyncworker.rabbitmq.dead.sweep import keeps_from

LOOKS = 25
COUNT = 30
# More than the others, as groups come by size: which message comes first changes with each look.
REJECTED = 16


@pytest.fixture
def kind():
    return "quorum"


def numbers(count):
    return [str(number).encode() for number in range(count)]


@pytest.mark.usefixtures("path")
async def test_looking_often_drops_nothing(dead, die, written, dead_name, bodies, name, holds):
    await die(*numbers(REJECTED))
    await written("OSError: busy", *numbers(COUNT)[REJECTED:])

    for _ in range(LOOKS):
        summary = await dead.summary()
        assert summary.count == COUNT
        # What goes back is there again a moment later.
        await holds(dead_name, COUNT)
    assert [(one.error, one.reason, one.count) for one in summary.groups] == [
        (None, "rejected", REJECTED),
        ("OSError: busy", None, COUNT - REJECTED),
    ]
    assert (await dead.replay()).to == {name: COUNT}
    assert sorted(await bodies(name, COUNT)) == sorted(numbers(COUNT))


@pytest.mark.usefixtures("path")
async def test_what_is_not_chosen_is_not_dropped_either(dead, written, dead_name, bodies, holds):
    await written("KeyError: 'id'", *numbers(COUNT))

    for _ in range(LOOKS):
        assert (await dead.replay(error="OSError*")).chosen == 0
        await holds(dead_name, COUNT)
        assert (await dead.show(2, error="OSError*")) == []
        await holds(dead_name, COUNT)
    assert sorted(await bodies(dead_name, COUNT)) == sorted(numbers(COUNT))


async def test_what_cannot_be_replayed_is_not_dropped_either(
    dead, written, dead_name, bodies, holds, name
):
    await written("OSError: busy", *numbers(COUNT), headers={"x-asyncworker-queue": f"{name}.no"})

    for _ in range(LOOKS):
        assert sum((await dead.replay()).left.values()) == COUNT
        await holds(dead_name, COUNT)
    assert sorted(await bodies(dead_name, COUNT)) == sorted(numbers(COUNT))


async def test_a_limit_that_the_app_declares_is_minded(
    connection, declare, publish, name, holds, bodies
):
    queue = Queue(name, type="quorum", delivery_limit=4)
    await declare(name, **queue.all_arguments)
    await publish(name, *numbers(COUNT))

    for _ in range(LOOKS):
        assert (await DeadQueue(connection, queue).summary()).count == COUNT
        await holds(name, COUNT)
    assert sorted(await bodies(name, COUNT)) == sorted(numbers(COUNT))


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, 11), (-1, 11), (1, 1), (4, 2), (20, 10), (100, 11)]
)
def test_a_copy_is_made_long_before_the_limit(limit, expected):
    declared = Queue("orders", type="quorum", delivery_limit=limit)
    assert keeps_from(declared) == expected
    assert keeps_from(None) == 11
