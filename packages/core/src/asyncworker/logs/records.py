"""What a log record says, whatever its line looks like."""

import logging
import os
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from asyncworker.log_fields import log_fields

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


process: Final[dict[str, int]] = {}
"""The id of this process, under its name in lines, where several write to one log."""


def show_process() -> None:
    """Have each line tell from now on which process wrote it."""
    process["process"] = os.getpid()


def fields_of(extra: Mapping[str, object]) -> dict[str, object]:
    """Return what a line has besides: its process, what is handled, and what came with it."""
    return {**process, **log_fields(), **extra}


def text_of(value: object) -> str:
    """Return the value as text, whatever its own methods raise."""
    for show in (str, repr):
        try:
            return show(value)
        except Exception:  # noqa: BLE001, S112 - the user's own __str__ and __repr__
            continue
    return f"<{type(value).__name__} that cannot be shown>"


def message_of(record: logging.LogRecord) -> object:
    """Return the message with its arguments filled in; what is JSON already stays as it is."""
    msg = record.msg
    if not record.args and (msg is None or isinstance(msg, dict | list | tuple | int | float)):
        return msg
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the user's own __str__, or arguments that do not fit
        return f"{text_of(msg)} {text_of(record.args)}"


def exc_info_of(given: Any) -> ExcInfo | None:
    """Return what `exc_info=` stands for: an exception, its tuple, or true for the current one."""
    if isinstance(given, BaseException):
        return (type(given), given, given.__traceback__)
    if isinstance(given, tuple):
        return given
    return sys.exc_info() if given else None


def exception_lines(record: logging.LogRecord) -> list[str] | None:
    """Return the lines that Python prints for an exception and its causes; None without one."""
    if record.exc_info and record.exc_info[1]:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip("\n").split("\n")
    return record.exc_text.split("\n") if record.exc_text else None
