"""Rates, checked where they are written."""

import pytest

from asyncworker import Rate
from asyncworker.errors import ConfigurationError
from asyncworker.intake.rate import checked_key, shown_key


def customer(message):
    return message.body["customer"]


async def later(message):
    return message


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"count": 0}, "Rate: count must be a number of messages, more than 0, got 0"),
        ({"count": True}, "Rate: count must be a number of messages, more than 0, got True"),
        ({"count": "9"}, "Rate: count must be a number of messages, more than 0, got '9'"),
        ({"per": 0}, "Rate: per must be a number of seconds, more than 0, got 0"),
        ({"per": float("inf")}, "Rate: per must be a number of seconds, more than 0, got inf"),
        ({"burst": 0}, "Rate: burst must be a number of messages, at least 1, got 0"),
        ({"burst": 1.5}, "Rate: burst must be a number of messages, at least 1, got 1.5"),
        ({"shared": 1}, "Rate: shared must be True or False, got 1"),
        ({"by": 7}, "Rate: by must be a function of one message, not async, or the name of a"),
        ({"by": ""}, "Rate: by must be a function of one message, not async, or the name of a"),
        ({"by": later}, "Rate: by must be a function of one message, not async, or the name of a"),
    ],
)
def test_a_wrong_value_is_refused(given, reason):
    with pytest.raises(ConfigurationError) as caught:
        Rate(**{"count": 100, **given})
    assert str(caught.value).startswith(reason)


def test_a_tenth_may_begin_at_once():
    assert (Rate(100).most_at_once, Rate(5).most_at_once, Rate(100, burst=3).most_at_once) == (
        10,
        1,
        3,
    )
    assert Rate(90, per=60).per_second == 1.5


def test_it_shows_what_was_said():
    assert repr(Rate(100)) == "Rate(100)"
    assert repr(Rate(0.5, per=60, burst=2, by=customer, shared=True)) == (
        "Rate(0.5, per=60, burst=2, by=customer, shared=True)"
    )
    assert repr(Rate(1, by="tenant")) == "Rate(1, by='tenant')"


def test_a_key_is_a_function_or_a_name():
    assert checked_key(customer) is customer
    assert checked_key("tenant") == "tenant"
    assert (shown_key(customer), shown_key("tenant")) == ("customer", "'tenant'")
