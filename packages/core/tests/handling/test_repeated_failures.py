"""A handler that always fails: a line each time, and a traceback where that is news."""

import logging

import pytest

from asyncworker.handling.repeated_failures import AGAIN_AFTER, AGAIN_AT, MOST_KNOWN, Failures

log = logging.getLogger("asyncworker.tests")


@pytest.fixture
def now(monkeypatch):
    """Return what turns the clock."""
    moments = [1000.0]
    monkeypatch.setattr(
        "asyncworker.handling.repeated_failures.time.monotonic", lambda: moments[-1]
    )
    return lambda seconds: moments.append(moments[-1] + seconds)


@pytest.fixture
def failures(now):
    return Failures(log, "handler work")


@pytest.fixture
def report(failures, logs):
    """Report what a function raises, and return the record."""

    def report(function, *arguments):
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 (any of them)
            failures.report(error, {"messages": 1})
        return logs.records[-1]

    return report


def fail(error=ValueError, *arguments):
    raise error(*arguments)


def fail_elsewhere():
    raise ValueError


def wait():
    try:
        raise KeyError
    except KeyError as error:
        raise TimeoutError from error


def wait_elsewhere():
    try:
        raise KeyError
    except KeyError as error:
        raise TimeoutError from error


def test_the_traceback_is_shown_once_for_the_same_error_at_the_same_line(report):
    first, second, third = [report(fail, ValueError, number) for number in range(3)]
    assert first.exc_info
    assert not hasattr(first, "traceback")
    assert not second.exc_info
    assert [one.getMessage() for one in (first, second)] == [
        "handler work raised ValueError(0)",
        "handler work raised ValueError(1)",
    ]
    assert (second.traceback, third.traceback) == ("as 1 failure before", "as 2 failures before")
    assert third.messages == 1
    assert third.funcName == "report"


@pytest.mark.parametrize(
    "other",
    [
        (fail, KeyError),
        (fail_elsewhere,),
        (fail, ExceptionGroup, "", [ValueError()]),
    ],
)
def test_another_error_and_another_line_have_tracebacks_of_their_own(report, other):
    report(fail)
    assert report(*other).exc_info
    assert not report(*other).exc_info
    assert not report(fail).exc_info


def test_the_same_error_for_another_reason_is_another_one(report):
    assert report(wait).exc_info
    assert report(wait_elsewhere).exc_info
    assert not report(wait).exc_info


def test_groups_are_told_apart_by_what_is_in_them(report):
    def group(*functions):
        errors = []
        for function in functions:
            try:
                function()
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup("several", errors)

    assert report(group, fail).exc_info
    assert report(group, fail_elsewhere).exc_info
    assert not report(group, fail).exc_info


def test_the_traceback_comes_again_after_a_while(report, now):
    report(fail)
    now(AGAIN_AFTER - 1)
    assert not report(fail).exc_info
    now(1)
    assert report(fail).exc_info
    assert report(fail).traceback == "as 1 failure before"


def test_the_traceback_comes_again_after_many(report):
    shown = [bool(report(fail).exc_info) for _ in range(2 * AGAIN_AT + 1)]
    assert [number for number, one in enumerate(shown) if one] == [0, AGAIN_AT, 2 * AGAIN_AT]


def test_what_is_known_is_bounded(report, failures):
    for number in range(3 * MOST_KNOWN):
        kind = type(f"E{number}", (Exception,), {})
        assert report(fail, kind).exc_info
    assert len(failures._shown) <= MOST_KNOWN
