"""Log records as lines of JSON, in aiologger's form."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from aiologger.formatters.json import ExtendedJsonFormatter
from aiologger.levels import LEVEL_TO_NAME, LogLevel
from aiologger.records import ExtendedLogRecord

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


process: Final[dict[str, int]] = {}
"""The id of this process, under its name in lines, where several write to one log."""


def show_process() -> None:
    """Have each line tell from now on which process wrote it."""
    process["process"] = os.getpid()


class _LevelNames(dict[int, str]):
    """Names of the levels, with those that a program added to `logging`."""

    def __missing__(self, level: int) -> str:
        return logging.getLevelName(level)


def _text(value: object) -> str:
    """Return the value as text, whatever its own methods raise."""
    for show in (str, repr):
        try:
            return show(value)
        except Exception:  # noqa: BLE001, S112 - the user's own __str__ and __repr__
            continue
    return f"<{type(value).__name__} that cannot be shown>"


def _serializable(value: object, default: Callable[[object], object]) -> object:
    """Return the value if JSON can hold it, its text otherwise."""
    try:
        json.dumps(value, default=default, allow_nan=False)
    except Exception:  # noqa: BLE001 - `default` calls the user's own __str__
        return _text(value)
    return value


def _dumps(
    fields: dict[object, object],
    default: Callable[[object], object],
    **options: Any,
) -> str:
    """Return the fields as JSON; what JSON cannot hold becomes text, field by field."""
    try:
        return json.dumps(fields, default=default, **{"allow_nan": False, **options})
    except Exception:  # noqa: BLE001 - `default` calls the user's own __str__
        safe = {_text(key): _serializable(value, default) for key, value in fields.items()}
        return json.dumps(safe, default=default)


_formatter = ExtendedJsonFormatter(serializer=_dumps)
_formatter.level_to_name_mapping = _LevelNames(LEVEL_TO_NAME)


def _message(record: logging.LogRecord) -> object:
    """Return the message with its arguments filled in; what is JSON already stays as it is."""
    msg = record.msg
    if not record.args and (msg is None or isinstance(msg, dict | list | tuple | int | float)):
        return msg
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the user's own __str__, or arguments that do not fit
        return f"{_text(msg)} {_text(record.args)}"


def exc_info_of(given: Any) -> ExcInfo | None:
    """Return what `exc_info=` stands for: an exception, its tuple, or true for the current one."""
    if isinstance(given, BaseException):
        return (type(given), given, given.__traceback__)
    if isinstance(given, tuple):
        return given
    return sys.exc_info() if given else None


def _exception_lines(record: logging.LogRecord) -> list[str] | None:
    """Return the lines that Python prints for an exception and its causes; None without one."""
    if record.exc_info and record.exc_info[1]:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip("\n").split("\n")
    return record.exc_text.split("\n") if record.exc_text else None


def _extended(
    record: logging.LogRecord, extra: Mapping[str, object], flatten: bool, options: object
) -> ExtendedLogRecord:
    """Return aiologger's record, which knows six levels by name, with any level."""
    fields = {"logger": record.name, **process, **extra}
    if record.stack_info:
        fields["stack_info"] = record.stack_info.split("\n")
    extended = ExtendedLogRecord(
        name=record.name,
        level=LogLevel.NOTSET,
        pathname=record.pathname,
        lineno=record.lineno,
        msg=_message(record),
        args=None,
        exc_info=_exception_lines(record),
        func=record.funcName,
        extra=fields,
        flatten=flatten,
        serializer_kwargs=options or {},
    )
    extended.levelno, extended.levelname = record.levelno, record.levelname
    return extended


def json_line(
    record: logging.LogRecord,
    extra: Mapping[str, object],
    flatten: bool = False,
    options: object = None,
) -> str:
    """Return one line of JSON, its end included; a plainer one when a field cannot be had."""
    try:
        line: str = _formatter.format(_extended(record, extra, flatten, options))
    except Exception as error:  # noqa: BLE001 - a line that fails never stops a worker
        fallback = {
            "logged_at": datetime.now(UTC).isoformat(),
            "level": _text(record.levelname),
            "logger": _text(record.name),
            "msg": _text(record.msg),
            "logger_exception": f"{type(error).__name__}: {_text(error)}",
        }
        line = json.dumps(fallback)
    return line + "\n"
