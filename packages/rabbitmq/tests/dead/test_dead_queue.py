"""What is done with dead letters: all that was in their queue is looked at once, none is lost."""

import asyncio

import pytest

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import BrokerError
from asyncworker.rabbitmq.dead import DeadQueue

pytestmark = pytest.mark.usefixtures("path")

MANY = 1000


def numbers(count, start=0):
    return [str(number).encode() for number in range(start, start + count)]


async def test_a_summary_groups_by_error_and_by_the_brokers_reason(
    dead, die, written, name, dead_name, holds
):
    await die(*numbers(2))
    await written("OSError: busy", *numbers(3), age=7200)
    await written("ValueError: nothing to pay", *numbers(1), age=60)

    summary = await dead.summary()
    assert (summary.queue, summary.vhost, summary.count) == (dead_name, "/", 6)
    assert [(one.error, one.reason, one.count) for one in summary.groups] == [
        ("OSError: busy", None, 3),
        (None, "rejected", 2),
        ("ValueError: nothing to pay", None, 1),
    ]
    assert summary.oldest == summary.groups[0].oldest
    await holds(dead_name, 6)


async def test_an_empty_queue_has_an_empty_summary(dead):
    summary = await dead.summary()
    assert (summary.count, summary.groups, summary.oldest) == (0, (), None)
    assert await dead.show() == []
    assert (await dead.replay()).found == 0


async def test_shows_what_a_worker_wrote(dead, written, name):
    await written("OSError: busy", b'{"id": 7}', age=60, message_id="one", headers={"tenant": "x"})

    (letter,) = await dead.show()
    assert (letter.error, letter.reason, letter.handler) == ("OSError: busy", None, "pay")
    assert (letter.queue, letter.attempts, letter.message_id) == (name, 3, "one")
    assert (letter.exchange, letter.routing_key) == ("amq.topic", "orders.new")
    assert (letter.body, letter.headers["tenant"]) == ({"id": 7}, "x")
    assert (letter.failed_at - letter.first_failed_at).total_seconds() == 3600


async def test_shows_what_the_broker_wrote(dead, die, name):
    await die(b"[1]")

    (letter,) = await dead.show()
    assert (letter.error, letter.reason, letter.queue) == (None, "rejected", name)
    assert (letter.exchange, letter.routing_key) == ("", name)
    assert letter.body == [1]


async def test_shows_as_many_as_wanted_in_their_order(dead, written, dead_name, holds):
    await written("OSError: busy", *numbers(20))
    await written("KeyError: 'id'", *numbers(20, 20))

    assert [letter.body for letter in await dead.show()] == list(range(10))
    await holds(dead_name, 40)
    assert [letter.body for letter in await dead.show(3, error="KeyError*")] == [20, 21, 22]
    await holds(dead_name, 40)
    assert await dead.show(error="ValueError*") == []
    await holds(dead_name, 40)


async def test_replays_each_to_where_it_was_consumed(dead, die, written, name, bodies, dead_name):
    await die(*numbers(5))
    await written("OSError: busy", *numbers(5, 5))

    progress = await dead.replay()
    assert (progress.found, progress.seen, progress.chosen, progress.done) == (10, 10, 10, 10)
    assert (progress.to, progress.left) == ({name: 10}, {})
    assert sorted(await bodies(name, 10)) == numbers(10)
    assert await bodies(dead_name, 0) == []


async def test_what_is_not_chosen_stays_in_its_order(dead, written, name, bodies, dead_name):
    for start in range(0, 40, 2):
        await written("OSError: busy", *numbers(1, start))
        await written("KeyError: 'id'", *numbers(1, start + 1))

    progress = await dead.replay(error="OSError*")
    assert (progress.seen, progress.chosen, progress.done) == (40, 20, 20)
    assert await bodies(name, 20) == [str(number).encode() for number in range(0, 40, 2)]
    assert await bodies(dead_name, 20) == [str(number).encode() for number in range(1, 40, 2)]


@pytest.mark.parametrize("width", [1, 4])
async def test_holds_more_than_one_consumer_may(
    dead, written, name, bodies, dead_name, width, monkeypatch
):
    monkeypatch.setattr("asyncworker.rabbitmq.dead.scan.WIDTH", width)
    monkeypatch.setattr("asyncworker.rabbitmq.dead.scan.NARROWEST", 1)
    await written("KeyError: 'id'", *numbers(60))
    await written("OSError: busy", *numbers(10, 60))

    progress = await dead.replay(error="OSError*")
    assert (progress.seen, progress.done) == (70, 10)
    assert await bodies(name, 10) == numbers(10, 60)
    # What several channels give back may change places.
    assert sorted(await bodies(dead_name, 60)) == sorted(numbers(60))


async def test_replays_very_many(dead, written, name, holds, dead_name):
    await written("OSError: busy", *numbers(MANY))

    told = []
    progress = await dead.replay(on_progress=told.append)
    assert progress.done == MANY
    assert told[-1] == progress
    assert [one.done for one in told] == sorted(one.done for one in told)
    await holds(name, MANY)
    await holds(dead_name, 0)


async def test_replays_no_more_than_wanted(dead, written, name, bodies, dead_name):
    await written("OSError: busy", *numbers(30))

    progress = await dead.replay(limit=12)
    assert (progress.seen, progress.done) == (12, 12)
    assert await bodies(name, 12) == numbers(12)
    # Before 4.0 a quorum queue puts what goes back at its end.
    assert sorted(await bodies(dead_name, 18)) == sorted(numbers(18, 12))


async def test_replays_only_what_is_old_enough(dead, written, bodies, name, dead_name):
    await written("OSError: busy", b"1", age=7200)
    await written("OSError: busy", b"2", age=10)

    assert (await dead.replay(older=3600)).done == 1
    assert (await bodies(name, 1), await bodies(dead_name, 1)) == ([b"1"], [b"2"])


async def test_a_trial_moves_nothing(dead, written, name, holds, dead_name):
    await written("OSError: busy", *numbers(3))
    await written("KeyError: 'id'", *numbers(4))

    trial = await dead.replay(error="OSError*", dry_run=True)
    assert (trial.chosen, trial.done, trial.to) == (3, 0, {name: 3})
    await holds(dead_name, 7)
    trial = await dead.drop(error="KeyError*", dry_run=True)
    assert (trial.chosen, trial.done) == (4, 0)
    await holds(dead_name, 7)
    await holds(name, 0)


async def test_replays_to_another_queue(dead, die, written, declare, bodies, name):
    other = await declare()
    await die(b"1")
    await written("OSError: busy", b"2")

    assert (await dead.replay(other)).to == {other: 2}
    assert (await bodies(other, 2), await bodies(name, 0)) == ([b"1", b"2"], [])


async def test_drops_what_is_chosen(dead, written, name, bodies, dead_name):
    await written("OSError: busy", *numbers(150))
    await written("KeyError: 'id'", *numbers(5, 150))

    progress = await dead.drop(error="OSError*")
    assert (progress.found, progress.chosen, progress.done) == (155, 150, 150)
    assert await bodies(dead_name, 5) == numbers(5, 150)
    assert (await dead.drop(limit=3)).done == 0
    assert await bodies(name, 0) == []


async def test_keeps_to_a_rate(dead, written, name, holds):
    await written("OSError: busy", *numbers(8))

    clock = asyncio.get_running_loop().time
    began = clock()
    assert (await dead.replay(rate=10)).done == 8
    assert clock() - began >= 0.8
    await holds(name, 8)


async def test_what_dies_again_is_not_replayed_in_a_circle(
    dead, die, admin, source, dead_name, holds
):
    await die(*numbers(300))

    async def reject(message):
        await message.reject(requeue=False)

    await (await admin.get_queue(source)).consume(reject)

    progress = await dead.replay()
    assert (progress.seen, progress.done) == (300, 300)
    await holds(dead_name, 300)


async def test_poison_stops_nothing(dead, publish, written, dead_name, name, bodies, holds):
    await publish(dead_name, b"{", content_type="application/json")
    await publish(dead_name, b"\x1f", content_type="application/json", content_encoding="gzip")
    await publish(dead_name, b"1", headers={"x-death": "none", "x-asyncworker-queue": [name]})
    await publish(dead_name, b"2", headers={"x-asyncworker-failed-at": "yesterday", "x-death": []})
    await written("OSError: busy", b"3")

    letters = await dead.show()
    await holds(dead_name, 5)
    assert [letter.body for letter in letters] == [b"{", b"\x1f", 1, 2, 3]
    assert (await dead.summary()).count == 5
    await holds(dead_name, 5)
    progress = await dead.replay()
    assert (progress.done, progress.left) == (
        1,
        {"nothing tells where it was consumed: say where to": 4},
    )
    assert await bodies(name, 1) == [b"3"]
    await holds(dead_name, 4)
    assert (await dead.replay(name)).done == 4
    assert await bodies(name, 4) == [b"{", b"\x1f", b"1", b"2"]


async def test_what_has_no_place_to_go_stays(dead, written, declare, bodies, name, dead_name):
    gone = {"x-asyncworker-queue": f"{name}.gone"}
    await written("OSError: busy", *numbers(3), headers=gone)
    await written("OSError: busy", *numbers(2, 3))
    await written("OSError: busy", *numbers(3, 5), headers=gone)

    progress = await dead.replay()
    assert (progress.chosen, progress.done) == (8, 2)
    assert progress.left == {f"queue {name + '.gone'!r} does not exist": 6}
    assert await bodies(dead_name, 6) == numbers(3) + numbers(3, 5)


async def test_what_died_in_the_dead_letter_queue_itself_stays(dead, written, dead_name, holds):
    await written("OSError: busy", b"1", headers={"x-asyncworker-queue": dead_name})

    assert (await dead.replay()).left == {"it died in this very queue: say where to": 1}
    await holds(dead_name, 1)


async def test_a_queue_that_is_missing_is_one_line(connection, name, dead, written):
    missing = DeadQueue(connection, f"{name}.missing")
    for work in (missing.summary(), missing.show(), missing.replay(), missing.drop()):
        with pytest.raises(BrokerError, match=r"^queue '.*missing', vhost '/': it does not exist$"):
            await work
    await written("OSError: busy", b"1")
    with pytest.raises(BrokerError, match=r"missing', vhost '/': it does not exist$"):
        await dead.replay(missing.name)
    assert (await dead.summary()).count == 1


async def test_says_so_when_another_consumer_takes_all(
    connection, declare, publish, name, admin, monkeypatch
):
    monkeypatch.setattr("asyncworker.rabbitmq.dead.scan.STALLED", 1.0)
    queue = await declare(f"{name}.single", **{"x-single-active-consumer": True})
    await admin.set_qos(1)
    taken = asyncio.Event()

    async def take(_message):
        taken.set()

    await (await admin.get_queue(queue)).consume(take)
    await publish(queue, b"1", b"2")
    async with asyncio.timeout(60):
        await taken.wait()
    with pytest.raises(BrokerError, match="it holds 1 and gives none"):
        await DeadQueue(connection, queue).summary()


async def test_others_may_take_what_is_left(dead, written, admin, dead_name, monkeypatch):
    await written("OSError: busy", *numbers(20))
    first = DeadQueue(dead.connection, dead_name)

    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.drop()) for one in (first, dead)]
        return [task.result().done for task in tasks]

    assert sum(await both()) == 20


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"error": ""}, "error must be a pattern as 'OSError*', got ''"),
        ({"error": 3}, "error must be a pattern"),
        ({"older": 0}, "older must be a number of seconds above 0, got 0"),
        ({"older": "1h"}, "older must be a number of seconds above 0, got '1h'"),
        ({"limit": 0}, "limit must be an int from 1"),
        ({"rate": 0}, "rate must be a number of messages a second above 0, got 0"),
        ({"to": ""}, "to: queue: name must be a non-empty string"),
    ],
)
async def test_a_bad_argument_is_told_at_once(dead, options, reason):
    with pytest.raises(ConfigurationError) as raised:
        await dead.replay(**options)
    assert reason in str(raised.value)


async def test_dead_letters_do_not_go_to_where_they_are(dead, dead_name):
    with pytest.raises(ConfigurationError, match="is the queue that they are in"):
        await dead.replay(dead_name)
