"""Outcomes as frames: each delivery once, and nothing that is undecided."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.frames import Settlement, Unhandled
from asyncworker.rabbitmq.settling.ledger import Ledger


def test_confirms_neighbours_from_the_lowest_with_one_frame():
    ledger = Ledger()
    for tag in (3, 1, 2):
        ledger.decide(tag, Actions.ACK)
    assert ledger.take() == [Settlement(3, Actions.ACK, True)]


def test_confirms_one_by_one_above_what_is_undecided():
    ledger = Ledger()
    for tag in (4, 2):
        ledger.decide(tag, Actions.ACK)
    assert ledger.take() == [Settlement(2, Actions.ACK, False), Settlement(4, Actions.ACK, False)]


def test_sends_rejections_before_an_ack_that_would_cover_them():
    ledger = Ledger()
    ledger.decide(1, Actions.ACK)
    ledger.decide(2, Actions.REJECT)
    ledger.decide(3, Actions.ACK)
    assert ledger.take() == [
        Settlement(2, Actions.REJECT, False),
        Settlement(3, Actions.ACK, True),
    ]


def test_gives_back_with_one_frame_where_nothing_below_is_undecided():
    ledger = Ledger()
    ledger.decide(1, Actions.ACK)
    ledger.decide(3, Actions.REJECT)
    for tag in (2, 4, 5):
        ledger.decide(tag, Unhandled.RETURN)
    assert ledger.take() == [
        Settlement(3, Actions.REJECT, False),
        Settlement(1, Actions.ACK, False),
        Settlement(5, Unhandled.RETURN, True),
    ]


def test_gives_back_one_by_one_above_what_is_undecided():
    ledger = Ledger()
    for tag in (2, 3):
        ledger.decide(tag, Unhandled.RETURN)
    assert ledger.take() == [
        Settlement(2, Unhandled.RETURN, False),
        Settlement(3, Unhandled.RETURN, False),
    ]


def test_has_nothing_to_send_twice():
    ledger = Ledger()
    ledger.decide(1, Actions.ACK)
    assert ledger.take()
    assert ledger.take() == []


def test_holds_only_what_is_undecided_however_much_is_settled_above_one_that_hangs():
    ledger = Ledger()
    tracemalloc.start()
    for tag in range(2, 100_002):
        ledger.decide(tag, Actions.ACK)
        if tag % 10 == 1:
            assert len(ledger.take()) == 10
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 10_000
    ledger.decide(1, Actions.ACK)
    ledger.decide(100_002, Actions.ACK)
    assert ledger.take() == [Settlement(100_002, Actions.ACK, True)]


@given(
    st.lists(st.sampled_from([*Actions, Unhandled.RETURN]), max_size=30).flatmap(
        lambda actions: st.tuples(
            st.just(actions), st.permutations(range(len(actions))), st.sets(st.integers(0, 30))
        )
    )
)
def test_settles_each_delivery_once_as_decided_in_whatever_order(case):
    """A model of the broker takes the frames: an unknown tag would be an error 406 there."""
    actions, order, pauses = case
    ledger = Ledger()
    outstanding = set(range(1, len(actions) + 1))
    settled = {}
    decided = set()

    def broker_takes(frames):
        for tag, action, multiple in frames:
            assert tag in outstanding
            tags = {other for other in outstanding if other <= tag} if multiple else {tag}
            assert tags <= decided
            outstanding.difference_update(tags)
            settled.update(dict.fromkeys(tags, action))

    for step, index in enumerate(order):
        ledger.decide(index + 1, actions[index])
        decided.add(index + 1)
        if step in pauses:
            broker_takes(ledger.take())
    broker_takes(ledger.take())

    assert settled == {index + 1: action for index, action in enumerate(actions)}
