"""Names of the queues in which messages wait."""

import pytest

from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name

pytestmark = pytest.mark.usefixtures("path")


def test_what_waits_for_a_quorum_queue_waits_in_another_one_each_hour(monkeypatch):
    """One that is used on and on goes an hour after its first declaration, with what is in it."""
    names = []
    for now in (7200.0, 10799.9, 10800.0):
        monkeypatch.setattr(
            "asyncworker.rabbitmq.retrying.waiting_queues.time", lambda now=now: now
        )
        names.append(waiting_name("q", 100, is_quorum=True))
    assert names == [f"asyncworker.retry.q.100.quorum.{hour}" for hour in (2, 2, 3)]


def test_the_name_of_a_waiting_queue_fits_however_long_the_name_of_the_queue():
    name = waiting_name("a" * 255, 3_888_000_000, is_quorum=True)
    assert len(name) <= 255
    assert name != waiting_name("a" * 254, 3_888_000_000, is_quorum=True)
