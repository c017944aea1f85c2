"""Several processes of one app look like one that does what they do together."""

import pytest

from asyncworker.status import together


def place(name="orders", state="working", reason=None, since=10.0, **outcomes):
    return {"name": name, "state": state, "reason": reason, "since": since, "outcomes": outcomes}


def work(name, *places, **more):
    return {
        "kind": "rabbitmq",
        "name": name,
        "sources": list(places),
        "in_flight": 1,
        "waiting": 2,
        "oldest": 3.0,
        "batches": 4,
        "handled": 5,
        "seconds": 6.0,
        "failures": 7,
        "last_error": None,
        **more,
    }


def taken(process, **more):
    return {
        "process": process,
        "phase": "working",
        "at": 100.0 + process,
        "since": 50.0 + process,
        "routes": [],
        "schedules": [],
        "publishing": [],
        "connections": [],
        "handlers": [],
        "loop": {"lag": 0.01, "blocked_seconds": 0.0, "last_blocked": None},
        "problems": [],
        "processes": [],
        **more,
    }


def routes_of(*lists):
    return together([taken(number, routes=routes) for number, routes in enumerate(lists)])["routes"]


def test_adds_up_what_was_done_and_keeps_the_oldest():
    [route] = routes_of([work("store")], [work("store", oldest=9.0)])
    assert route == work(
        "store",
        in_flight=2,
        waiting=4,
        oldest=9.0,
        batches=8,
        handled=10,
        seconds=12.0,
        failures=14,
    )


def test_adds_up_the_outcomes_of_each_source():
    [route] = routes_of(
        [work("store", place(ack=1), place("late", ack=2))],
        [work("store", place(ack=10, reject=1), place("late"))],
    )
    assert route["sources"] == [place(ack=11, reject=1), place("late", ack=2)]


def test_keeps_the_last_error():
    first, last = {"text": "first", "at": 1.0}, {"text": "last", "at": 2.0}
    [route] = routes_of([work("store", last_error=last)], [work("store", last_error=first)])
    assert route["last_error"] == last


@pytest.mark.parametrize(
    ("states", "state", "reason"),
    [
        (["working", "working"], "working", None),
        (["waiting", "waiting"], "waiting", "why"),
        (["working", "waiting"], "waiting", "in 1 of 2 processes: why"),
        (["starting", "working"], "starting", "in 1 of 2 processes"),
        (["ended", "waiting", "waiting"], "waiting", "in 2 of 3 processes: why"),
        # What one process does for all is done.
        (["standing by", "working", "standing by"], "working", "in 1 of 3 processes"),
        (["standing by", "waiting"], "waiting", "in 1 of 2 processes: why"),
    ],
)
def test_tells_the_state_that_is_the_farthest_from_working(states, state, reason):
    why = {"waiting": "why"}
    [route] = routes_of(*([work("store", place(state=one, reason=why.get(one)))] for one in states))
    [source] = route["sources"]
    assert (source["state"], source["reason"]) == (state, reason)


def test_tells_since_when_the_first_of_them_is_in_that_state():
    [route] = routes_of(
        [work("store", place(state="waiting", since=30.0))],
        [work("store", place(state="waiting", since=20.0))],
        [work("store", place(since=1.0))],
    )
    assert route["sources"][0]["since"] == 20.0


def test_tells_handlers_apart_that_are_called_alike():
    routes = [work("store", place("a"), failures=1), work("store", place("b"), failures=2)]
    assert [one["failures"] for one in routes_of(routes, routes)] == [2, 4]


def test_tells_the_phase_that_is_the_farthest_from_working_and_since_when():
    whole = together([taken(1), taken(2, phase="starting"), taken(3, phase="starting")])
    assert (whole["process"], whole["phase"]) == (None, "starting")
    assert (whole["since"], whole["at"]) == (53.0, 103.0)
    assert [one["process"] for one in whole["processes"]] == [1, 2, 3]


def test_a_connection_is_open_where_it_is_so_in_each():
    def link(*, is_open, lost):
        return {"name": "shop", "is_open": is_open, "lost": lost}

    one = taken(1, connections=[link(is_open=True, lost=1)])
    other = taken(2, connections=[link(is_open=False, lost=2)])
    assert together([one, other])["connections"] == [link(is_open=False, lost=3)]
    assert together([one, one])["connections"] == [link(is_open=True, lost=2)]


def test_tells_which_event_loop_is_the_latest_and_what_blocked_one_last():
    def loop(lag, seconds, since):
        return {"lag": lag, "blocked_seconds": seconds, "last_blocked": {"since": since}}

    ones = [taken(1, loop=loop(0.5, 1.0, 7.0)), taken(2, loop=loop(0.1, 2.0, 3.0)), taken(3)]
    assert together(ones)["loop"] == loop(0.5, 3.0, 7.0)


def test_tells_a_problem_once():
    problem = {"subject": "queue 'orders'", "reason": "does not exist"}
    both = [taken(number, problems=[problem]) for number in (1, 2)]
    assert together(both)["problems"] == [problem]


def test_tells_of_the_longest_running_handlers_of_all():
    ones = [
        taken(number, handlers=[{"seconds": float(number + 2 * each)} for each in range(20, 0, -1)])
        for number in (0, 1)
    ]
    seconds = [one["seconds"] for one in together(ones)["handlers"]]
    assert seconds == [float(one) for one in range(41, 21, -1)]
