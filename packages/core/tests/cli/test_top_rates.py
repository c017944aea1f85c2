"""Rates are what totals of snapshots differ by, second by second."""

from asyncworker.cli.top.rates import KEPT, Rates, keyed
from packages.core.tests.cli.worker import taken, work

KEY = ("rabbitmq", "store", 0)


def noted(*samples):
    rates = Rates()
    for at, handled in samples:
        rates.note(taken(at=at, routes=[work("store", handled=handled)]))
    return rates


def test_there_is_none_before_the_second_snapshot():
    assert noted((1.0, 100)).now(KEY) == 0
    assert noted((1.0, 100)).line(KEY) == ""


def test_the_rate_is_the_mean_of_the_last_seconds():
    assert noted((1.0, 0), (3.0, 20), (4.0, 50)).now(KEY) == (10 + 30) / 2


def test_the_highest_bar_is_the_largest_rate():
    assert noted((1.0, 0), (2.0, 70), (3.0, 70), (4.0, 100)).line(KEY) == "█▁▄"


def test_a_process_that_was_replaced_has_done_nothing_less():
    assert noted((1.0, 100), (2.0, 5)).now(KEY) == 0


def test_a_snapshot_that_comes_twice_is_one():
    assert noted((1.0, 0), (1.0, 0), (2.0, 10)).now(KEY) == 10


def test_no_more_is_kept_than_is_shown():
    rates = noted(*((float(moment), moment) for moment in range(3 * KEPT)))
    assert len(rates.line(KEY)) == KEPT - 1


def test_handlers_that_are_called_alike_are_told_apart():
    assert [key for key, _ in keyed([work("store"), work("store")])] == [
        ("rabbitmq", "store", 0),
        ("rabbitmq", "store", 1),
    ]


def test_what_is_gone_is_forgotten():
    rates = noted((1.0, 0), (2.0, 10))
    rates.note(taken(at=3.0, routes=[]))
    assert rates.now(KEY) == 0
