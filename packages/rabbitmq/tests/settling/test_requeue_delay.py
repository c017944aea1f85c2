import pytest

from asyncworker.rabbitmq.settling.requeue_delay import DELAY, SPACING, RequeueDelay


@pytest.fixture
def returns():
    return RequeueDelay()


def test_what_fails_for_the_first_time_goes_back_after_a_moment(returns):
    assert {returns.due(5.0, again=False) for _ in range(1000)} == {5.0 + DELAY}


def test_what_fails_again_goes_back_one_after_the_other(returns):
    times = [returns.due(5.0, again=True) for _ in range(1000)]
    assert times == pytest.approx([5.0 + DELAY + number * SPACING for number in range(1000)])


def test_what_fails_again_never_goes_back_without_delay(returns):
    returns.due(5.0, again=True)
    assert returns.due(6.0, again=True) == 6.0 + DELAY


def test_what_fails_for_the_first_time_does_not_wait_for_what_fails_again(returns):
    for _ in range(1000):
        returns.due(5.0, again=True)
    assert returns.due(5.0, again=False) == 5.0 + DELAY
