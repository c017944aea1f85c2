"""What queues carry is measured on a real broker, here with few messages."""

import pytest

from benchmarks.peers import OURS
from benchmarks.scaling import ceilings
from benchmarks.scaling.ceilings import TrafficFailed
from benchmarks.scaling.traffic import Traffic

FEW = 2_000


@pytest.mark.slow
def test_queues_are_filled_and_emptied_alone_and_at_once(private_node, monkeypatch):
    monkeypatch.setattr(ceilings, "COUNTS", (2,))
    results = ceilings.measure(private_node, 1, FEW)
    assert (results.rounds, list(results.runs)) == (1, ["classic-2", "quorum-2"])
    assert results.machine["RabbitMQ"]
    assert results.versions["asyncworker-rabbitmq"]
    for runs in results.runs.values():
        (found,) = runs[OURS]
        names = ("PUBLISHED", "CONSUMED", "CARRIED", "BROKER", "QUEUES")
        assert min(found[getattr(ceilings, name)] for name in names) > 0
        assert 0 <= found[ceilings.OTHERS] <= 100
        assert found[ceilings.QUEUES] < found[ceilings.BROKER]


def test_messages_that_do_not_come_are_a_failure():
    with pytest.raises(TrafficFailed, match="3 messages came of 5"):
        ceilings._check_all_came([{"messages": 2}, {"messages": 3}], [{"messages": 3}])


def test_a_process_that_fails_says_why():
    with (
        ceilings._process("dance", Traffic("amqp://127.0.0.1:1/", ("none",))) as process,
        pytest.raises(TrafficFailed, match="KeyError: 'dance'"),
    ):
        ceilings._result(process)
