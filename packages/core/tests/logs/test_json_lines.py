"""Lines of JSON: their fields, and what cannot be written as it is."""

import logging
import sys
from datetime import datetime

import pytest

from asyncworker.logs import JsonHandler, logger
from packages.core.tests.logs.output import failing, output, parsed


class Unshowable:
    def __str__(self):
        raise ValueError("not today")

    __repr__ = __str__


@pytest.fixture
def user_logger():
    """A logger of the standard library whose records become lines of JSON."""
    # A logger outside the tree: pytest hangs handlers of its own on every other one.
    instance = logging.Logger("orders", logging.DEBUG)  # noqa: LOG001
    instance.addHandler(JsonHandler())
    return instance


# Fields


def test_a_standard_record_has_the_fields_of_aiologger(user_logger):
    with output() as result:
        user_logger.info("read %s of %d", "orders", 7)
    line = result.line
    logged_at = line.pop("logged_at")
    assert datetime.fromisoformat(logged_at).tzinfo
    assert line.pop("line_number") > 0
    assert line == {
        "level": "INFO",
        "function": "test_a_standard_record_has_the_fields_of_aiologger",
        "file_path": __file__,
        "logger": "orders",
        "msg": "read orders of 7",
    }


def test_our_logger_has_the_same_fields_as_a_standard_one(user_logger):
    with output() as result:
        user_logger.info("one")
        logger.info("two")
    standard, ours = result.lines
    assert standard.keys() == ours.keys()
    assert ours["line_number"] == standard["line_number"] + 1
    assert (ours["function"], ours["file_path"]) == (standard["function"], standard["file_path"])
    assert ours["logger"] == "asyncworker"


def test_extra_fields_appear_as_fields(user_logger):
    with output() as result:
        user_logger.info("x", extra={"queue": "orders", "taken": [1, 2]})
        logger.info("x", extra={"queue": "orders", "taken": [1, 2]})
    for line in result.lines:
        assert (line["queue"], line["taken"]) == ("orders", [1, 2])


@pytest.mark.parametrize("msg", [{"a": 1}, [1, 2], 3, None])
def test_a_message_that_is_json_already_stays_as_it_is(user_logger, msg):
    with output() as result:
        user_logger.info(msg)
        logger.info(msg)
    assert [line["msg"] for line in result.lines] == [msg, msg]


def test_an_exception_for_a_message_is_its_text(user_logger):
    with output() as result:
        user_logger.error(ValueError("no such order"))
        logger.error(ValueError("no such order"))
    assert [line["msg"] for line in result.lines] == ["no such order"] * 2


def test_arguments_are_filled_in_by_name_too(user_logger):
    with output() as result:
        user_logger.info("%(a)s", {"a": 1})
        logger.info("%(a)s", {"a": 1})
    assert [line["msg"] for line in result.lines] == ["1", "1"]


def test_a_line_break_in_a_message_does_not_break_the_line(user_logger):
    with output() as result:
        user_logger.info("one\ntwo")
    assert result.line["msg"] == "one\ntwo"


def test_an_exception_is_a_list_of_readable_lines_with_its_causes(user_logger):
    with output() as result:
        try:
            failing()
        except ValueError as error:
            current = sys.exc_info()
            user_logger.exception("std")
            user_logger.info("std", exc_info=error)
            logger.exception("ours %s", 1)
            logger.error("ours", exc_info=error)
        logger.error({"ours": 1}, exc_info=current)
    lines = result.lines
    assert len(lines) == 5
    for line in lines:
        text = line["exc_info"]
        assert text == lines[0]["exc_info"]
        assert text[0] == "Traceback (most recent call last):"
        assert "KeyError: 'order 7'" in text
        assert "The above exception was the direct cause of the following exception:" in text
        assert text[-1] == "ValueError: no such order"
    assert lines[-1]["msg"] == {"ours": 1}


@pytest.mark.parametrize("nothing", [True, (None, None, None), False, None])
def test_there_is_no_exc_info_without_an_exception(user_logger, nothing):
    with output() as result:
        user_logger.info("x", exc_info=nothing)
        logger.info("x", exc_info=nothing)
    for line in result.lines:
        assert "exc_info" not in line


def test_a_traceback_that_came_as_text_is_kept(user_logger):
    record = logging.makeLogRecord({"levelno": 40, "msg": "x", "exc_text": "Traceback\nValueError"})
    with output() as result:
        user_logger.handle(record)
    assert result.line["exc_info"] == ["Traceback", "ValueError"]


def test_a_stack_is_a_list_of_readable_lines(user_logger):
    with output() as result:
        user_logger.info("x", stack_info=True)
        logger.info("x", stack_info=True)
    for line in result.lines:
        assert line["stack_info"][0] == "Stack (most recent call last):"
        assert "stack_info=True" in line["stack_info"][-1]


def test_a_level_that_a_program_added_has_its_name(user_logger):
    with output() as result:
        user_logger.log(25, "x")
    assert result.line["level"] == "Level 25"


def test_warnings_and_worse_go_to_stderr(user_logger):
    with output() as result:
        user_logger.info("out")
        user_logger.warning("err")
        logger.info("out")
        logger.error("err")
    assert [line["msg"] for line in parsed(result.out.getvalue())] == ["out", "out"]
    assert [line["msg"] for line in parsed(result.err.getvalue())] == ["err", "err"]


# What cannot be written


def test_values_that_json_does_not_know_become_text(user_logger):
    loop = []
    loop.append(loop)
    values = {"set": {1}, "nan": float("nan"), "loop": loop, "fine": [1], "bad": Unshowable()}
    with output() as result:
        user_logger.info({"key": {(1, 2): 3}}, extra=values)
    line = result.line
    assert line["set"] == "{1}"
    assert line["nan"] == "nan"
    assert line["loop"] == "[[...]]"
    assert line["fine"] == [1]
    assert line["bad"] == "<Unshowable that cannot be shown>"
    assert line["msg"] == "{'key': {(1, 2): 3}}"


def test_a_message_that_cannot_be_shown_is_named(user_logger):
    with output() as result:
        user_logger.info(Unshowable())
        logger.info(Unshowable())
    for line in result.lines:
        assert line["msg"] == "<Unshowable that cannot be shown> ()"


def test_arguments_that_do_not_fit_stand_behind_the_message(user_logger):
    with output() as result:
        user_logger.info("%d", "seven")
        logger.info("%d and %d", 1)
    assert [line["msg"] for line in result.lines] == ["%d ('seven',)", "%d and %d (1,)"]


def test_a_record_that_cannot_be_formatted_leaves_one_plain_line(user_logger):
    class Fragile(ValueError):
        @property
        def __cause__(self):
            raise LookupError("broken cause")

    with output() as result:
        user_logger.error("std", exc_info=Fragile())
    line = result.line
    assert (line["msg"], line["level"], line["logger"]) == ("std", "ERROR", "orders")
    assert line["logger_exception"] == "LookupError: broken cause"


def test_options_that_json_does_not_know_do_not_stop_the_line():
    with output() as result:
        logger.info("x", serializer_kwargs={"bogus": 1})
    assert result.line["msg"] == "x"
