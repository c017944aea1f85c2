"""Up to where what came in order is handled."""

from hypothesis import given
from hypothesis import strategies as st

from asyncworker.cursors.progress import Progress


@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_is_the_last_of_all_that_are_handled_without_a_gap(count, random):
    progress = Progress(-1)
    handled, came = set(), 0
    while len(handled) < count:
        if came < count and random.random() < 0.5:
            progress.came(came, came)
            came += 1
        elif open_ones := sorted(set(range(came)) - handled):
            one = random.choice(open_ones)
            progress.handled(one)
            handled.add(one)
        first_open = next((one for one in range(came) if one not in handled), came)
        assert progress.place == first_open - 1
        assert progress.first == (None if first_open == came else first_open)
        assert progress.latest == came - 1


def test_what_is_handled_twice_or_unknown_changes_nothing():
    progress = Progress("")
    progress.came(1, "a")
    progress.handled(2)
    assert progress.place == ""
    assert progress.is_open(1)
    progress.handled(1)
    progress.handled(1)
    assert progress.place == "a"
    assert not progress.is_open(1)
