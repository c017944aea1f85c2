"""When a route works, waits and tries."""

import asyncio

import pytest

from asyncworker import Breaker, Pause
from asyncworker.pausing.circuit import Circuit


@pytest.fixture
def made():
    """Makes circuits of which a run has begun, and counts how often each pauses."""

    def make(breaker=None):
        circuit = Circuit(breaker)
        circuit.pauses = []
        circuit.begin(lambda: circuit.pauses.append(circuit.reason))
        return circuit

    return make


def fail(circuit, times=1):
    """Have so many batches fail; return of which what it was given goes back."""
    return [circuit.failed(OSError("no answer")) for _ in range(times)]


async def test_works_while_too_little_fails(made):
    circuit = made(Breaker(failures=0.5, of=4))
    for _ in range(100):
        assert fail(circuit) == [False]
        circuit.succeeded(3)
    assert (circuit.state, circuit.pauses) == ("working", [])


async def test_trips_when_so_many_of_the_last_batches_fail(made):
    circuit = made(Breaker(failures=0.5, of=4))
    circuit.succeeded(100)
    assert fail(circuit) == [False]
    circuit.succeeded(2)
    assert fail(circuit) == [True]
    assert circuit.state == "paused"
    reason = "2 of the last 4 batches failed, at last by OSError('no answer')"
    assert circuit.pauses == [reason]


async def test_fails_of_long_ago_do_not_count(made):
    circuit = made(Breaker(failures=1, of=2, within=1e-9))
    fail(circuit)
    # Some time passes from one to the next.
    await asyncio.sleep(0)
    assert fail(circuit) == [False]
    assert circuit.state == "working"


async def test_what_fails_while_it_is_paused_goes_back_and_changes_nothing(made):
    circuit = made(Breaker(of=1))
    assert fail(circuit, 5) == [True] * 5
    circuit.succeeded()
    assert (circuit.state, len(circuit.pauses)) == ("paused", 1)


async def test_tries_when_the_time_is_over_and_waits_longer_or_works(made, limit):
    circuit = made(Breaker(of=1, pause=0.01, factor=2))
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(limit):
        for seconds in (0.01, 0.02, 0.04):
            before = clock()
            fail(circuit)
            assert before <= circuit.until - seconds <= clock()
            turned = circuit.turned
            await circuit.over()
            assert turned.is_set()
            assert circuit.state == "trying"
    assert circuit.pauses[1] == "one that was tried failed, at last by OSError('no answer')"
    circuit.succeeded()
    assert (circuit.state, circuit.reason) == ("working", "")
    # It is as new.
    fail(circuit)
    assert circuit.pauses[-1].startswith("1 of the last 1 batches failed")


async def test_what_does_not_count_shows_that_it_works(made, limit):
    circuit = made(Breaker(of=1, pause=0.01, on=OSError))
    fail(circuit)
    async with asyncio.timeout(limit):
        await circuit.over()
    assert circuit.failed(ValueError("bad")) is False
    assert circuit.state == "working"


async def test_parts_of_a_batch_that_failed_do_not_count(made):
    circuit = made(Breaker(failures=1, of=2))
    fail(circuit)
    assert circuit.failed(OSError("again"), is_part=True) is False
    assert circuit.state == "working"
    fail(circuit)
    assert circuit.failed(OSError("again"), is_part=True) is True


async def test_of_pauses_side_by_side_the_longest_counts(made):
    circuit = made()
    for seconds in (20, 30, 10):
        assert circuit.failed(OSError("429"), Pause(seconds)) is True
    assert circuit.pauses == ["OSError('429')"] * 2
    assert circuit.duration.startswith("for 30 s, until 2")


async def test_what_a_handler_raises_counts_for_more_than_what_is_said_of_it(made):
    circuit = made()
    error = ExceptionGroup("of two", [Pause(1), ExceptionGroup("of more", [Pause(7), OSError()])])
    assert circuit.failed(error, Pause(100)) is True
    assert circuit.duration.startswith("for 7 s, until 2")


async def test_is_resumed_from_any_pause(made):
    circuit = made(Breaker(of=1))
    fail(circuit)
    circuit.resume()
    assert circuit.state == "working"
    circuit.pause()
    assert circuit.duration == "until app.resume()"
    assert fail(circuit) == [False]
    assert circuit.failed(Pause(1)) is True
    over = asyncio.create_task(circuit.over())
    await asyncio.sleep(0)
    assert not over.done()
    circuit.resume()
    await over
    assert circuit.state == "working"


async def test_a_pause_by_hand_outlasts_the_run(made):
    circuit = made()
    circuit.pause()
    circuit.end()
    circuit.begin(lambda: circuit.pauses.append("anew"))
    assert (circuit.state, circuit.pauses[-1]) == ("paused", "anew")


async def test_another_pause_does_not(made):
    circuit = made(Breaker(of=1))
    fail(circuit)
    circuit.end()
    circuit.begin(lambda: None)
    assert circuit.state == "working"


def test_is_paused_while_its_run_ends():
    circuit = Circuit()

    async def begin():
        circuit.begin(lambda: None)

    asyncio.run(begin())
    circuit.pause()
    assert circuit.state == "paused"
