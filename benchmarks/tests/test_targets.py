from dataclasses import replace

import pytest

from benchmarks.cases import CASES
from benchmarks.peers import GUARDED, METERED, ORDERED, OURS, RATED
from benchmarks.results import Results, Spread
from benchmarks.targets import TARGETS, Verdict, verdicts

CPU = TARGETS[0]
RATE = next(target for target in TARGETS if target.least)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.job}: {target.words}")
def test_a_target_is_about_what_is_measured(target):
    cases = {case.name: case for case in CASES}
    for value in (target.ours, target.theirs):
        assert value.peer in cases[value.case].peers
        assert value.metric in cases[value.case].metrics
    if target.ours.peer in {METERED, GUARDED, ORDERED, RATED}:
        # What something more costs is a matter between the two.
        assert target.theirs == replace(target.ours, peer=OURS)
    else:
        assert target.ours.peer == OURS
        assert target.theirs.peer != OURS


@pytest.mark.parametrize(
    ("target", "ratio", "words"),
    [
        (replace(CPU, limit=0.07), 0.07, "reached"),
        (replace(CPU, limit=0.07), 0.071, "not reached"),
        (replace(RATE, limit=0.85), 0.85, "reached"),
        (replace(RATE, limit=0.85), 0.84, "not reached"),
    ],
)
def test_a_limit_is_the_most_or_the_least(target, ratio, words):
    assert Verdict(target, Spread(ratio, 0.0, 9.0, 5)).words == words


def test_says_in_words_what_is_wanted():
    assert replace(CPU, limit=0.07).words == "at most 0.07 × aio-pika"
    assert replace(RATE, limit=0.85).words == "at least 0.85 × librabbitmq (C)"


def test_the_ratio_is_that_of_the_two_values(results):
    first = verdicts(results)[0]
    assert first.target.words == "at most 0.07 × aio-pika"
    assert first.ratio == Spread(0.05, 0.05, 0.05, 2)
    assert first.words == "reached"


def test_says_why_a_target_was_not_measured(results):
    words = {verdict.words for verdict in verdicts(results) if verdict.ratio is None}
    assert words == {"not measured: there is no Python 3.11"}
    nothing = verdicts(Results())[0]
    assert nothing.words == "not measured: consume-bulk-100 did not run"
