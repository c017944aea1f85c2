import pytest

from asyncworker.plural import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages")]
)
def test_a_noun_agrees_with_its_number(number, said):
    assert counted(number, "message") == said


def test_a_plural_of_its_own_is_given():
    assert counted(2, "process", "processes") == "2 processes"
