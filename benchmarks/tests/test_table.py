import pytest

from benchmarks import table
from benchmarks.cases import chosen
from benchmarks.results import Results, Spread
from benchmarks.units import number, ratio, spread


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0512, "0.0512"), (1.0, "1"), (12.345, "12.3"), (123.4, "123"), (43_783.2, "43,783")],
)
def test_numbers_have_the_digits_that_count(value, text):
    assert number(value) == text


def test_a_median_is_shown_with_the_least_and_the_most():
    assert spread(Spread(10.0, 8.0, 13.5, 5)) == "10 (8–13.5)"
    assert spread(Spread(10.0, 10.0, 10.0, 1)) == "10"
    assert spread(None) == ""


def test_a_ratio_is_exact_enough_to_see_its_verdict():
    assert ratio(Spread(1.0817, 1.0, 1.2, 5)) == "1.082 (1.000–1.200)"
    assert ratio(None) == ""


def test_a_case_of_a_series_says_which_it_is(results):
    assert "\n\nQueues, a route each: 16\n" in table.table(results)


def test_a_case_has_a_line_for_each_peer_with_its_ratio_to_ours(results):
    (case,) = chosen(["consume-bulk-100"], quick=True)
    assert table.headings(case) == ["", "CPU µs", "a second", "÷ asyncworker"]
    assert table.rows(results, case) == [
        ["asyncworker", "12.5 (10–15)", "12.5 (10–15)", ""],
        ["librabbitmq (C)", "5 (4–6)", "5 (4–6)", "0.4 (0.4–0.4)"],
    ]


def test_a_terminal_is_shown_cases_targets_and_what_is_missing(results):
    results.failures.append("round 1/2: idle: FastStream: exit code 1: oh")
    shown = table.table(results)
    assert "\n\nConsume 200 bytes, bulk 100\n" in shown
    assert "  librabbitmq (C)  5 (4–6)       5 (4–6)       0.4 (0.4–0.4)\n" in shown
    assert "at most 0.07 × aio-pika" in shown
    assert "async-worker 0.20.2: not measured: there is no Python 3.11" in shown
    assert shown.endswith("failed: round 1/2: idle: FastStream: exit code 1: oh")


def test_targets_are_left_out_when_none_was_measured():
    results = Results()
    results.add("growth-routes-1", "asyncworker", {"cpu_us": 1.0, "rate": 2.0})
    assert "Targets" not in table.table(results)


def test_markdown_has_a_row_for_each_line():
    assert table.markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
