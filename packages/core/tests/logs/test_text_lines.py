"""Lines for people."""

import logging
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker.logs.text_lines import text_line
from packages.core.tests.logs.output import failing

TIME = re.compile(r"\d\d:\d\d:\d\d\.\d{3} ")


def line(msg, *args, level=logging.INFO, name="orders", extra=None, colored=False, **given):
    record = logging.LogRecord(name, level, __file__, 1, msg, args, given.pop("exc_info", None))
    vars(record).update(given)
    text = text_line(record, extra or {}, colored=colored)
    assert text.endswith("\n")
    return text[:-1]


def without_time(text):
    assert TIME.match(text)
    return TIME.sub("", text, count=1)


def test_a_line_is_time_level_message_and_fields():
    text = line("read %s of %d", "orders", 7, extra={"queue": "orders", "size": 3})
    assert without_time(text) == "INFO     read orders of 7  logger=orders queue=orders size=3"


def test_lines_of_asyncworker_need_no_logger():
    assert without_time(line("x", name="asyncworker.dispatch")) == "INFO     x"
    assert without_time(line("x", name="asyncworker")) == "INFO     x"
    assert without_time(line("x", name="asyncworkers")) == "INFO     x  logger=asyncworkers"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b", '"a b"'),
        ("", '""'),
        ('a"b', r'"a\"b"'),
        ("a=b", '"a=b"'),
        ("pão", "pão"),
        ("a\nb", r'"a\nb"'),
        (["a", 1], "['a', 1]"),
        (None, "None"),
    ],
)
def test_a_value_that_is_no_word_is_in_quotes(value, shown):
    text = line("x", name="asyncworker", extra={"key": value})
    assert without_time(text) == f"INFO     x  key={shown}"


def test_a_traceback_stands_below_as_python_shows_it():
    try:
        failing()
    except ValueError:
        first, *below = line("failed", exc_info=sys.exc_info()).split("\n")
    assert "failed" in first
    assert "  Traceback (most recent call last):" in below
    assert '    File "' in below[1]
    assert below[-1] == "  ValueError: no such order"


def test_an_exception_cannot_forge_a_line():
    try:
        raise ValueError("no\n12:00:00.000 INFO     all is well\r\x1b[2J")
    except ValueError:
        _, *below = line("failed", exc_info=sys.exc_info()).split("\n")
    assert all(each.startswith("  ") for each in below)
    assert below[-1] == r"  12:00:00.000 INFO     all is well\r\x1b[2J"


@pytest.mark.parametrize(
    ("level", "code"), [(10, "2"), (20, "32"), (30, "33"), (40, "31"), (50, "1;31"), (25, "32")]
)
def test_levels_have_colors_and_fields_are_dim(level, code):
    text = line("x", level=level, extra={"queue": "q"}, colored=True)
    assert f"\x1b[{code}m{logging.getLevelName(level):<8}\x1b[0m x" in text
    assert text.endswith("\x1b[2m logger=orders queue=q\x1b[0m")


class Unshowable:
    def __str__(self):
        raise ValueError("not today")

    __repr__ = __str__


def test_what_cannot_be_shown_is_named():
    text = line(Unshowable(), name="asyncworker", extra={"key": Unshowable()})
    shown = "<Unshowable that cannot be shown>"
    assert without_time(text) == f"INFO     {shown} ()  key={shown}"


UNSAFE = [*range(9), *range(10, 32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0x2066, 0xD800]


@pytest.mark.parametrize("character", [chr(each) for each in UNSAFE])
def test_what_would_command_a_terminal_is_written_out(character):
    text = line(f"a{character}b", name=character, extra={character: character}, levelname=character)
    assert character not in text


anything = st.text(st.characters(exclude_categories=()))


@given(anything, anything, anything, anything)
def test_no_text_breaks_a_line_or_commands_a_terminal(message, name, key, value):
    text = line("%s", message, name=name, extra={key: value})
    assert text.splitlines() == [text]
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in text if each != "\t")
