"""Numbers of `asyncworker top` are short, whatever their size."""

import pytest

from asyncworker.cli.top.words import duration, rate


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.00008512, "85 µs"),
        (0.0123, "12.3 ms"),
        (0.4102, "410 ms"),
        (2.54, "2.5 s"),
        (75, "1 min 15 s"),
    ],
)
def test_a_time(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0/s"), (0.254, "0.25/s"), (3.14, "3.1/s"), (42.4, "42/s"), (1234.5, "1,234/s")],
)
def test_a_rate(number, said):
    assert rate(number) == said
