import json

import pytest

from benchmarks.jobs import Consume, Publish
from benchmarks.window import Latencies, Window, publish_all, window


class Stop:
    """Counts how often it was called."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1


@pytest.fixture
def stop():
    return Stop()


def test_counts_from_the_end_of_the_warm_up_to_the_last_message(stop):
    measured = Window(10, 100, stop)
    for _ in range(110):
        assert stop.calls == 0
        measured.add((None,))
    result = measured.result()
    assert result["messages"] == 100
    assert 0 < result["cpu"]
    assert result["wall"] == result["ended"] - result["began"] > 0
    assert stop.calls == 1


def test_batches_that_do_not_end_with_the_warm_up_are_counted_as_they_are(stop):
    measured = Window(10, 90, stop)
    for _ in range(14):
        measured.add([None] * 7)
    assert stop.calls == 0
    measured.add([None] * 2)
    assert measured.result()["messages"] == 100 - 14
    assert stop.calls == 1


def test_the_tail_is_waited_for_and_not_measured(stop):
    measured = Window(10, 90, stop, tail=10)
    for _ in range(9):
        measured.add([None] * 10)
    at_tail = measured.result()
    assert stop.calls == 0
    measured.add([None] * 10)
    assert stop.calls == 1
    assert measured.result() == at_tail
    assert at_tail["messages"] == 80


def test_a_window_begins_anew(stop):
    begun = []
    measured = Window(10, 20, stop, begun=lambda: begun.append(None))
    for calls in (1, 2):
        measured.begin()
        with pytest.raises(RuntimeError, match="only 0 messages"):
            measured.result()
        for _ in range(40):
            measured.add((None,))
        assert measured.result()["messages"] == 20
        assert stop.calls == len(begun) == calls


def test_an_endless_window_lasts_until_the_last_message_so_far(stop):
    measured = Window(10, 20, stop, endless=True)
    for _ in range(50):
        measured.add((None,))
    assert measured.result()["messages"] == 40
    assert stop.calls == 0


def test_says_how_many_came_when_the_end_did_not(stop):
    measured = Window(10, 100, stop)
    measured.add([None] * 10)
    with pytest.raises(RuntimeError, match="only 10 messages"):
        measured.result()


def test_latencies_leave_the_warm_up_out(stop, monkeypatch):
    monkeypatch.setattr("benchmarks.window.time.monotonic_ns", lambda: 1_000_000_000)
    measured = Latencies(1, 100, stop)
    measured.add([{"sent": 0}])
    measured.add([{"sent": 1_000_000_000 - age * 1_000_000} for age in range(1, 101)])
    assert measured.result() == {"messages": 100, "p50_ms": 51.0, "p99_ms": 100.0}
    assert stop.calls == 1


def test_a_job_says_which_window_it_needs(stop):
    job = Consume("amqp://", ("q",), 10, 100)
    assert isinstance(window(job, stop), Window)
    late = Consume("amqp://", ("q",), 10, 100, latency=True)
    assert isinstance(window(late, stop), Latencies)


async def test_publishes_every_message_once_so_many_at_a_time():
    job = Publish("amqp://", "q", warmup=5, count=50, size=20, in_flight=7)
    calls = []

    async def publish():
        calls.append(None)

    result = await publish_all(job, publish)
    assert len(calls) == 55
    assert result["messages"] == 50
    json.dumps(result)


async def test_publishes_several_by_one_call():
    job = Publish("amqp://", "q", warmup=20, count=60, size=20, in_flight=20, bulk=10)
    calls = []

    async def publish():
        calls.append(None)

    result = await publish_all(job, publish, each=job.bulk)
    assert len(calls) == 8
    assert result["messages"] == 60
