"""What a policy of retries says: which errors, how often, after which delays."""

import pytest

from asyncworker import Actions
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Retry
from asyncworker.rabbitmq.policy import outcome_of
from asyncworker.rabbitmq.retry import rounded

pytestmark = pytest.mark.usefixtures("path")

BAD = [
    (lambda: Retry(attempts=0), "Retry: attempts must be an int from 1 to 2147483647, got 0"),
    (lambda: Retry(attempts=True), "Retry: attempts must be an int from 1"),
    (
        lambda: Retry(delay=0),
        "Retry: delay must be a number of seconds from 0.001 to ",
    ),
    (lambda: Retry(delay=float("nan")), "Retry: delay must be a number of seconds from"),
    (lambda: Retry(delay=60, max_delay=5), "Retry: max_delay is less than delay=60, got 5"),
    (lambda: Retry(factor=0.5), "Retry: factor must be a number of at least 1, got 0.5"),
    (lambda: Retry(jitter=1.1), "Retry: jitter must be a number from 0 to 1, got 1.1"),
    (lambda: Retry(on=(5,)), "Retry: on must hold classes of Exception, got 5"),
    (lambda: Retry(on=()), "Retry: on must be a tuple of exceptions, got ()"),
    (lambda: Retry(on=KeyboardInterrupt), "Retry: on must hold classes of Exception, got <class"),
    (lambda: Retry(now=-1), "Retry: now must be an int from 0, and less than attempts=5, got -1"),
    (lambda: Retry(now=True), "Retry: now must be an int from 0, and less than attempts=5, got Tr"),
    (lambda: Retry(2, now=2), "Retry: now must be an int from 0, and less than attempts=2, got 2"),
    (lambda: Retry(then="reject"), "Retry: then must be one of Actions, got 'reject'"),
]


@pytest.mark.parametrize(("make", "complaint"), BAD)
def test_refuses_what_cannot_be_where_it_is_made(make, complaint):
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value).startswith(complaint)


def test_delays_grow_up_to_the_most():
    retry = Retry(delay=1, factor=3, max_delay=20)
    assert [retry.milliseconds(attempt) for attempt in (1, 2, 3, 4, 10**9)] == [
        1000,
        3000,
        9000,
        20_000,
        20_000,
    ]


def test_jitter_shortens_delays_in_few_steps():
    retry = Retry(delay=1, jitter=0.5)
    drawn = {retry.milliseconds(1) for _ in range(500)}
    assert drawn == {500, 625, 750, 875, 1000}
    assert min(Retry(jitter=1).milliseconds(1) for _ in range(500)) == 1


@pytest.mark.parametrize(
    ("delay", "milliseconds"),
    [(0.001, 1), (0.099, 99), (0.1234, 130), (1.0, 1000), (3600, 3_600_000), (3601, 3_700_000)],
)
def test_rounds_the_delays_of_handlers_so_that_queues_are_few(delay, milliseconds):
    assert rounded(delay) == milliseconds


def test_what_no_class_of_a_mapping_fits_is_put_back():
    policy = {KeyError: Actions.REJECT}
    assert outcome_of(policy, ValueError(), Actions.REQUEUE) is Actions.REQUEUE


def group(*errors):
    return ExceptionGroup("unhandled errors in a TaskGroup", errors)


@pytest.mark.parametrize(
    ("raised", "is_tried_again"),
    [
        (group(ConnectionResetError()), True),
        (group(OSError(), group(TimeoutError(), group(OSError()))), True),
        (group(OSError(), KeyError()), False),
        (group(group(KeyError())), False),
    ],
)
def test_a_group_is_worth_a_retry_when_all_in_it_is(raised, is_tried_again):
    retry = Retry(on=(OSError, TimeoutError))
    assert outcome_of(retry, raised, Actions.ACK) is (retry if is_tried_again else Actions.REJECT)


def test_a_group_named_as_such_is_worth_a_retry():
    retry = Retry(on=ExceptionGroup)
    assert outcome_of(retry, group(KeyError()), Actions.ACK) is retry


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (group(KeyError(), group(KeyError())), Actions.ACK),
        (group(LookupError(), KeyError()), Actions.REJECT),
        (group(KeyError(), ConnectionResetError()), Actions.ACK),
        (group(KeyError(), OSError()), Actions.REQUEUE),
        (group(KeyError(), ValueError()), Actions.REQUEUE),
    ],
)
def test_a_mapping_takes_a_group_for_what_all_in_it_are(raised, outcome):
    policy = {LookupError: Actions.REJECT, KeyError: Actions.ACK, ConnectionError: Actions.ACK}
    assert outcome_of(policy, raised, Actions.REQUEUE) is outcome


def test_a_mapping_may_name_groups_and_exceptions_of_all_kinds():
    policy = {ExceptionGroup: Actions.ACK, Exception: Actions.REJECT}
    assert outcome_of(policy, group(KeyError()), Actions.REQUEUE) is Actions.ACK
    del policy[ExceptionGroup]
    policy[KeyError] = Actions.ACK
    assert outcome_of(policy, group(KeyError()), Actions.REQUEUE) is Actions.ACK
    assert outcome_of(policy, group(KeyError(), OSError()), Actions.REQUEUE) is Actions.REJECT


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (Retry(), "Retry()"),
        (Retry(attempts=3, delay=0.5), "Retry(attempts=3, delay=0.5)"),
        (Retry(on=OSError, then=Actions.ACK), "Retry(on=OSError, then=Actions.ACK)"),
        (Retry(on=(OSError, KeyError)), "Retry(on=OSError|KeyError)"),
    ],
)
def test_a_policy_shows_what_was_given(policy, shown):
    assert repr(policy) == shown
