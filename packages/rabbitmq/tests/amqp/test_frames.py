"""Frames by which deliveries are settled."""

import pytest
from pamqp import commands, frame

from asyncworker import Actions
from asyncworker.rabbitmq.amqp.frames import Settlement, Unhandled, settlement_frames

ALL = [
    (Settlement(7, Actions.ACK, False), commands.Basic.Ack(7, multiple=False)),
    (Settlement(2**62, Actions.ACK, True), commands.Basic.Ack(2**62, multiple=True)),
    (Settlement(7, Actions.REJECT, False), commands.Basic.Reject(7, requeue=False)),
    (Settlement(7, Actions.REQUEUE, False), commands.Basic.Reject(7, requeue=True)),
    (Settlement(7, Unhandled.RETURN, False), commands.Basic.Nack(7, False, True)),
    (Settlement(7, Unhandled.RETURN, True), commands.Basic.Nack(7, True, True)),
]


@pytest.mark.parametrize(("settlement", "method"), ALL)
def test_a_settlement_is_the_frame_that_the_library_would_send(settlement, method):
    assert settlement_frames(3, [settlement]) == frame.marshal(method, 3)


def test_settlements_follow_one_another():
    alone = b"".join(settlement_frames(3, [settlement]) for settlement, _ in ALL)
    assert settlement_frames(3, [settlement for settlement, _ in ALL]) == alone
