"""Which messages wait for a handler that is still at what may be the same."""

from asyncworker.rabbitmq import RabbitMQMessage
from asyncworker.rabbitmq.buffering.redeliveries import Redeliveries


def message(raw_body=b"1", redelivered=True, **fields):
    fields = {"body": 1, "queue": "q", "message_id": "m"} | fields
    return RabbitMQMessage(raw_body=raw_body, redelivered=redelivered, **fields)


def twins_of(*running):
    twins = Redeliveries()
    twins.expect(running)
    return twins


def test_is_false_while_nothing_outlives_its_channel():
    assert not Redeliveries()
    assert twins_of(message())


def test_holds_what_came_again_until_its_handler_has_ended():
    running, again = message(), message()
    twins = twins_of(running)
    assert twins.hold(again)
    assert twins.released_by([running]) == [again]
    assert not twins


def test_lets_others_pass():
    twins = twins_of(message())
    others = [
        message(redelivered=False),
        message(raw_body=b"2"),
        message(queue="p"),
        message(message_id=None),
    ]
    assert not any(map(twins.hold, others))


def test_holds_all_that_may_be_the_same_until_the_last_handler_has_ended():
    first, second = message(), message()
    again = [message(), message(), message()]
    twins = twins_of(first, second)
    assert all(map(twins.hold, again))
    assert twins.released_by([first]) == []
    assert twins.released_by([second]) == again


def test_releases_in_the_order_of_arrival_and_holds_the_rest():
    one, other = message(raw_body=b"1"), message(raw_body=b"2")
    held = [message(raw_body=b"2"), message(raw_body=b"1"), message(raw_body=b"2")]
    twins = twins_of(one, other)
    assert all(map(twins.hold, held))
    assert twins.released_by([other]) == [held[0], held[2]]
    assert twins.clear() == [held[1]]
    assert twins.released_by([one]) == []


def test_a_handler_that_ended_before_the_loss_was_noticed_changes_nothing():
    twins = twins_of(message())
    assert twins.released_by([message(raw_body=b"other")]) == []
    assert twins.hold(message())
