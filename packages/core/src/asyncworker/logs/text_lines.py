"""Log records as lines for people, who read them in a terminal."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from asyncworker.logs.records import exception_lines, fields_of, message_of, text_of

Paint = Callable[[str, str], str]

RESET: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
COLORS: Final = (
    (logging.CRITICAL, "\x1b[1;31m"),
    (logging.ERROR, "\x1b[31m"),
    (logging.WARNING, "\x1b[33m"),
    (logging.INFO, "\x1b[32m"),
)
"""Of levels from these up; those below are dim."""
UNSAFE: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What would break a line, command the terminal, or turn what is read round."""
PLAIN: Final = re.compile(r"[^\s\"'=\\]+")
"""A value that needs no quotes."""
OURS: Final = "asyncworker"
"""Loggers whose lines say themselves what they are about."""


def text_line(record: logging.LogRecord, extra: Mapping[str, object], *, colored: bool) -> str:
    """Return time, level, message and fields in one line, and an exception below it.

    What anybody else wrote can neither begin a line nor send an escape code.
    """
    paint = _painted if colored else _plain
    try:
        lines = [_first(record, extra, paint), *(f"  {_safe(line)}" for line in _below(record))]
    except Exception as error:  # noqa: BLE001 - a line that fails never stops a worker
        reason = f"{type(error).__name__}: {text_of(error)}"
        lines = [_safe(f"{record.levelname} {text_of(record.msg)} ({reason})")]
    return "\n".join(lines) + "\n"


def _first(record: logging.LogRecord, extra: Mapping[str, object], paint: Paint) -> str:
    moment = datetime.fromtimestamp(record.created).astimezone()
    parts = [
        paint(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}", DIM),
        paint(f"{_safe(record.levelname):<8}", _color(record.levelno)),
        _safe(text_of(message_of(record))),
    ]
    if fields := " ".join(_fields(record, extra)):
        parts.append(paint(f" {fields}", DIM))
    return " ".join(parts)


def _fields(record: logging.LogRecord, extra: Mapping[str, object]) -> Iterator[str]:
    is_ours = f"{record.name}.".startswith(f"{OURS}.")
    of_logger = {} if is_ours else {"logger": record.name}
    for name, value in {**of_logger, **fields_of(extra)}.items():
        yield f"{_safe(text_of(name))}={_safe(_quoted(value))}"


def _quoted(value: object) -> str:
    """Return a value as a word, or in quotes."""
    text = text_of(value)
    if not isinstance(value, str) or PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _below(record: logging.LogRecord) -> Iterator[str]:
    yield from exception_lines(record) or ()
    if record.stack_info:
        yield from record.stack_info.split("\n")


def _safe(text: str) -> str:
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _color(level: int) -> str:
    return next((color for lowest, color in COLORS if level >= lowest), DIM)


def _painted(text: str, color: str) -> str:
    return f"{color}{text}{RESET}"


def _plain(text: str, _color: str) -> str:
    return text
