"""How often a value was how large, counted as Prometheus does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker.feed import Histogram

BOUNDS = (1, 5, 10)
VALUES = st.integers(0, 12) | st.floats(0, 12)


@given(st.lists(st.lists(VALUES)))
def test_counts_values_up_to_each_bound(lots):
    histogram = Histogram(BOUNDS)
    for lot in lots:
        histogram.add(lot)

    values = [value for lot in lots for value in lot]
    assert histogram.buckets() == [(up, sum(value <= up for value in values)) for up in BOUNDS]
    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(sum(values))


@given(VALUES, st.integers(0, 5))
def test_a_value_that_repeats_counts_as_often(value, times):
    one, other = Histogram(BOUNDS), Histogram(BOUNDS)
    one.repeat(value, times)
    other.add([value] * times)
    assert one.buckets() == other.buckets()
    assert (one.count, one.sum) == (times, pytest.approx(other.sum))
