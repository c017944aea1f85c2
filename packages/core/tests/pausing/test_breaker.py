"""What a breaker and a pause take."""

import math

import pytest

from asyncworker import Breaker, Pause
from asyncworker.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"failures": 0}, "failures must be a part of all batches, more than 0 and up to 1, got 0"),
        ({"failures": 1.5}, "failures must be a part of all batches"),
        ({"failures": "half"}, "failures must be a part of all batches"),
        ({"failures": True}, "failures must be a part of all batches"),
        ({"of": 0}, "of must be a number of batches, at least 1, got 0"),
        ({"of": 2.5}, "of must be a number of batches, at least 1, got 2.5"),
        ({"within": 0}, "within must be a number of seconds, more than 0, got 0"),
        ({"within": math.inf}, "within must be a number of seconds"),
        ({"pause": -1}, "pause must be a number of seconds, more than 0, got -1"),
        ({"pause": 10, "max_pause": 5}, "max_pause must be at least pause=10, got 5"),
        ({"factor": 0.5}, "factor must be a number of at least 1, got 0.5"),
        ({"on": "OSError"}, "on must be an exception or a tuple of these, got 'OSError'"),
        ({"on": ()}, "on must be an exception or a tuple of these, got ()"),
        ({"on": (OSError, 1)}, "on must be classes of Exception, got 1"),
        ({"on": KeyboardInterrupt}, "on must be classes of Exception"),
    ],
)
def test_what_a_breaker_cannot_have_is_refused(given, reason):
    with pytest.raises(ConfigurationError) as error:
        Breaker(**given)
    assert str(error.value).startswith(f"Breaker: {reason}")


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        ("30", "must be a number, got '30'"),
        (True, "must be a number, got True"),
        (0, "must be more than 0, got 0"),
        (-1, "must be more than 0, got -1"),
        (math.nan, "must be more than 0, got nan"),
        (math.inf, "must be more than 0, got inf"),
    ],
)
def test_what_is_no_pause_is_refused(seconds, reason):
    with pytest.raises(ConfigurationError) as error:
        Pause(seconds)
    assert str(error.value) == f"Pause: seconds {reason}"


def test_they_say_what_they_are():
    assert repr(Breaker()) == "Breaker()"
    shown = "Breaker(failures=1, pause=2.5, on=OSError|ValueError)"
    assert repr(Breaker(failures=1, pause=2.5, on=(OSError, ValueError))) == shown
    assert (repr(Pause(30)), str(Pause(0.5))) == ("Pause(30)", "Pause(0.5)")


def test_pauses_grow_up_to_the_longest():
    breaker = Breaker(pause=5, factor=2, max_pause=300)
    assert [breaker.seconds(pauses) for pauses in (0, 1, 2, 6, 10_000)] == [5, 10, 20, 300, 300]


@pytest.mark.parametrize(
    ("failures", "of", "most"), [(0.5, 20, 10), (0.01, 20, 1), (1, 3, 3), (1 / 3, 10, 4)]
)
def test_a_part_of_the_last_batches_is_at_least_one(failures, of, most):
    assert Breaker(failures=failures, of=of).most == most
