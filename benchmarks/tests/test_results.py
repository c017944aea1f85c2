import pytest

from benchmarks.results import Results, Spread, Value

OURS, THEIRS = Value("case", "ours", "cpu_us"), Value("case", "theirs", "cpu_us")


@pytest.fixture
def results():
    results = Results("2026-01-01", 3)
    for ours, theirs in ((1.0, 10.0), (4.0, 20.0), (2.0, 40.0)):
        results.add("case", "ours", {"cpu_us": ours})
        results.add("case", "theirs", {"cpu_us": theirs})
    return results


def test_a_spread_leaves_no_turn_out(results):
    assert results.spread(OURS) == Spread(median=2.0, low=1.0, high=4.0, turns=3)


def test_ratios_are_taken_turn_by_turn(results):
    assert results.ratio(OURS, THEIRS) == Spread(median=0.1, low=0.05, high=0.2, turns=3)


def test_nothing_is_said_about_what_was_not_measured(results):
    absent = Value("case", "nobody", "cpu_us")
    assert results.spread(absent) is None
    assert results.spread(Value("case", "ours", "rate")) is None
    assert results.ratio(OURS, absent) is None


def test_results_are_read_as_they_were_written(results, tmp_path):
    path = tmp_path / "folder" / "results.json"
    results.write(path)
    assert Results.read(path) == results


def test_cases_that_are_measured_anew_take_the_place_of_the_old(results):
    results.add("other", "ours", {"cpu_us": 1.0})
    results.profiles |= {"case": [("old", 1.0)], "other": [("kept", 1.0)]}
    anew = Results("2026-01-02", 3)
    anew.add("case", "ours", {"cpu_us": 9.0})
    results.renew(anew)
    assert results.values(OURS) == [9.0]
    assert results.values(THEIRS) == []
    assert results.values(Value("other", "ours", "cpu_us")) == [1.0]
    assert results.profiles == {"other": [("kept", 1.0)]}
    assert results.taken == "2026-01-02"


@pytest.mark.parametrize("of", ["machine", "versions"])
def test_what_was_measured_elsewhere_takes_nothing_s_place(results, of):
    vars(results)[of]["Python"] = "3.11"
    anew = Results("2026-01-02", 3, **{of: {"Python": "3.12"}})
    anew.add("case", "ours", {"cpu_us": 9.0})
    with pytest.raises(ValueError, match=r"Python was 3\.11, and is"):
        results.renew(anew)
    assert results.values(OURS) == [1.0, 4.0, 2.0]
