import pytest

from asyncworker.plural import counted, lasting


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages")]
)
def test_a_noun_agrees_with_its_number(number, said):
    assert counted(number, "message") == said


def test_a_plural_of_its_own_is_given():
    assert counted(2, "process", "processes") == "2 processes"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (300, "5 min"),
        (7509, "2 h 5 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_time_is_told_by_its_two_largest_units(seconds, said):
    assert lasting(seconds) == said
