import pytest

from tests.soak.bound import ALLOWED, LOSS, PREFETCH, QUEUES, QUORUM, Broken, bound
from tests.soak.schedule import Kind
from tests.soak.traffic import QUEUES as NAMES


def test_every_kind_of_fault_has_a_bound():
    assert set(ALLOWED) == set(Kind)
    assert len(NAMES) == QUEUES


def test_nothing_broken_allows_no_duplicate():
    assert bound([]) == 0


@pytest.mark.parametrize(
    "kind", [Kind.NETWORK_SLOW, Kind.STREAMS_CUT, Kind.WORKER_TERMINATED], ids=str
)
def test_what_loses_no_connection_allows_no_duplicate(kind):
    assert bound([Broken(kind)]) == 0


def test_a_lost_connection_allows_the_prefetch_of_each_queue_and_of_what_was_published():
    assert bound([Broken(Kind.NETWORK_CUT)]) == LOSS == (QUEUES + 1 + QUORUM) * PREFETCH


def test_faults_add_up():
    one, other = Broken(Kind.NETWORK_CUT), Broken(Kind.WORKER_KILLED)
    assert bound([one, other]) == bound([one]) + bound([other])


def test_a_killed_broker_forgets_what_it_had_not_written():
    kind = Kind.BROKER_KILLED
    assert bound([Broken(kind, at_stake=33)]) == bound([Broken(kind)]) + 33
