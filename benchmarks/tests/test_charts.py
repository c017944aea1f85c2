from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.charts import WIDTH, Bar, Curve, Line, _apart, _ceiling, bars, curves, lines
from benchmarks.results import Spread

SVG = "{http://www.w3.org/2000/svg}"


def point(median, low=None, high=None):
    return Spread(median, low or median, high or median, 5)


def test_the_longest_bar_fits_and_lengths_are_in_proportion():
    svg = ElementTree.fromstring(
        bars("A & B", "µs <less>", [Bar("ours", point(10), ours=True), Bar("theirs", point(40))])
    )
    _, ours, theirs = svg.iter(f"{SVG}rect")
    assert float(theirs.get("width")) == pytest.approx(4 * float(ours.get("width")))
    assert float(theirs.get("x")) + float(theirs.get("width")) < WIDTH
    assert ours.get("fill") != theirs.get("fill")
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert texts == ["A & B", "µs <less>", "ours", "10", "theirs", "40"]


def test_whiskers_reach_from_the_least_to_the_most():
    svg = ElementTree.fromstring(bars("t", "u", [Bar("a", point(10, 5, 20))]))
    (whisker,) = svg.iter(f"{SVG}line")
    (_, bar) = svg.iter(f"{SVG}rect")
    start, length = float(bar.get("x")), float(bar.get("width"))
    assert float(whisker.get("x1")) == pytest.approx(start + length / 2, abs=0.1)
    assert float(whisker.get("x2")) == pytest.approx(start + length * 2, abs=0.1)


def test_a_line_has_a_point_wherever_something_was_measured():
    series = [
        Line("ours", (point(1), None, point(3, 2, 4)), ours=True),
        Line("theirs", (point(2), point(2), point(2))),
    ]
    svg = ElementTree.fromstring(lines("t", "u", "x", ["1", "2", "4"], series))
    assert len(list(svg.iter(f"{SVG}circle"))) == 5
    paths = [path.get("points").split() for path in svg.iter(f"{SVG}polyline")]
    assert [len(path) for path in paths] == [2, 3]
    assert {text.text for text in svg.iter(f"{SVG}text")} >= {"1", "2", "4", "ours", "theirs"}


@given(st.floats(0.001, 1e9))
def test_the_axis_ends_above_the_highest_value_but_not_far(value):
    assert value <= _ceiling(value) <= max(2 * value, 0.1)


@given(st.lists(st.floats(72, 312), min_size=1, max_size=8))
def test_labels_do_not_touch_and_keep_their_order(heights):
    moved = sorted(_apart(heights))
    assert all(low + 16.9 <= high for low, high in pairwise(moved))
    assert max(moved) <= 312.1


def test_a_curve_goes_from_one_side_to_the_other():
    series = [Curve("ours", (0, 40, 20), ours=True), Curve("theirs", (10, 10))]
    svg = ElementTree.fromstring(curves("t", "u", "hour", ["0:00", "24:00"], series))
    ours, theirs = (path.get("points").split() for path in svg.iter(f"{SVG}polyline"))
    assert [len(ours), len(theirs)] == [3, 2]
    assert (ours[0].split(",")[0], ours[-1].split(",")[0]) == ("84.0", "586.0")
    assert ours[1] == "335.0,72.0"
    assert {text.text for text in svg.iter(f"{SVG}text")} >= {"0:00", "24:00", "ours", "theirs"}
