"""What logs show of an error is bounded, and holds no data."""

import traceback

import pytest
from pydantic import BaseModel

from asyncworker.handling.redaction import brief, redacted, told
from asyncworker.handling.user_errors import raised_by_users, users_traceback

SECRET = "hunter2"
BODY = f'{{"password": "{SECRET}", "name": 1}}'.encode()
LIMIT = 60_000
"""Characters that a traceback with twenty of the longest errors stays within."""


class Account(BaseModel):
    name: str
    age: int


def raised_by(call, *arguments):
    """What a function raises, with its traceback."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError("it raises nothing")


def undecodable():
    return raised_by((BODY * 100_000 + b"\xff").decode)


def invalid():
    return raised_by(Account.model_validate_json, BODY)


def grouped(*errors):
    return raised_by(throw, ExceptionGroup("unhandled errors in a TaskGroup", errors))


def caused():
    return raised_by(throw, OSError("no"), invalid())


def throw(error, cause=None):
    raise error from cause


def noted():
    error = ValueError("no")
    error.add_note("x" * 4_000_000)
    return error


def written(error):
    """What any formatter makes of it."""
    return "".join(traceback.format_exception(*raised_by_users(error)))


@pytest.mark.parametrize("error", [ValueError("no"), KeyError(1), OSError(2, "x"), SystemExit()])
def test_a_short_error_without_data_stays_as_it_is(error):
    assert brief(error) == repr(error)
    assert redacted(error) is error


@pytest.mark.parametrize(
    "make",
    [
        undecodable,
        invalid,
        caused,
        lambda: grouped(invalid(), undecodable()),
        lambda: grouped(grouped(caused())),
    ],
)
def test_no_data_is_shown(make):
    error = make()
    texts = [brief(error), repr(redacted(error)), written(error), users_traceback(error)]
    assert [text for text in texts if SECRET in text] == []
    assert max(map(len, texts)) < LIMIT


@pytest.mark.parametrize(
    "make",
    [
        lambda: ValueError("x" * 4_000_000),
        lambda: KeyError(b"x" * 4_000_000),
        lambda: ExceptionGroup("x" * 4_000_000, [ValueError("no")]),
        lambda: grouped(*[ValueError("x" * 100)] * 50_000),
        lambda: grouped(*[grouped(*[ValueError("x")] * 200) for _ in range(200)]),
        noted,
    ],
)
def test_whatever_an_error_says_is_bounded(make):
    error = make()
    assert len(brief(error)) < 2000
    assert len(written(error)) < LIMIT


def test_the_useful_part_stays():
    error = invalid()
    assert brief(error) == (
        "ValidationError('2 validation errors for Account; name: Input should be a valid string; "
        "age: Field required')"
    )
    lines = written(error).splitlines()
    assert "call(*arguments)" in str(lines)
    assert lines[-1].startswith("pydantic_core._pydantic_core.ValidationError: 2 validation errors")
    assert "can't decode byte 0xff in position" in brief(undecodable())


def test_a_group_shows_its_first_errors_and_their_number():
    error = grouped(*map(ValueError, range(30)))
    assert "ValueError(0), ValueError(1)" in brief(error)
    assert brief(error).endswith("ValueError(19), 10 more])")
    assert "unhandled errors in a TaskGroup; not shown: 11" in written(error)


def test_a_cause_stays_a_cause():
    text = written(caused())
    assert text.index("ValidationError: 2 validation") < text.index("OSError: no")
    assert "The above exception was the direct cause" in text


def test_a_validation_with_very_many_problems_tells_their_number_alone():
    class Accounts(BaseModel):
        all: list[Account]

    error = raised_by(Accounts.model_validate, {"all": [{}] * 100_000})
    assert brief(error) == "ValidationError('200000 validation errors for Accounts')"


def test_a_deep_traceback_loses_its_middle():
    def ping(depth):
        return pong(depth - 1)

    def pong(depth):
        return ping(depth - 1) if depth > 0 else throw(ValueError("deep"))

    error = raised_by(ping, 500)
    frames = traceback.extract_tb(raised_by_users(error)[2])
    assert len(frames) == 50
    assert frames[-1].name == "throw"


def test_errors_that_belong_to_each_other_in_a_circle_are_shown():
    first, second = invalid(), ValueError()
    first.__context__, second.__context__ = second, first
    assert "ValidationError" in written(first)


def test_an_error_that_cannot_be_shown_is_shown():
    class Odd(Exception):
        def __str__(self):
            raise ValueError

        __repr__ = __str__

    assert brief(Odd()) == "<Odd that cannot be shown>"
    assert written(grouped(Odd(), invalid()))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("nothing to pay"), "ValueError: nothing to pay"),
        (TimeoutError(), "TimeoutError"),
        (
            ExceptionGroup("two", [OSError("no"), ExceptionGroup("in it", [KeyError("k")])]),
            "ExceptionGroup: two [OSError: no; KeyError: 'k']",
        ),
    ],
)
def test_what_is_told_of_an_error_is_its_type_and_its_message(error, expected):
    assert told(error) == expected


@pytest.mark.parametrize("make", [undecodable, invalid, lambda: grouped(invalid()), noted])
def test_what_is_told_of_an_error_is_bounded_and_holds_no_data(make):
    text = told(make())
    assert SECRET not in text
    assert len(text) < 1100


def test_no_more_is_told_of_a_group_than_of_another_error():
    text = told(grouped(*(OSError("x" * 500) for _ in range(1000))))
    assert text.startswith("ExceptionGroup: unhandled errors in a TaskGroup [OSError: xxx")
    assert len(text) < 1100
