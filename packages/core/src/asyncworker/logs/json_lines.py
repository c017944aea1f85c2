"""Log records as lines of JSON, in aiologger's form."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiologger.formatters.json import ExtendedJsonFormatter
from aiologger.levels import LEVEL_TO_NAME, LogLevel
from aiologger.records import ExtendedLogRecord

from asyncworker.logs.records import exception_lines, fields_of, message_of, text_of


class _LevelNames(dict[int, str]):
    """Names of the levels, with those that a program added to `logging`."""

    def __missing__(self, level: int) -> str:
        return logging.getLevelName(level)


def _serializable(value: object, default: Callable[[object], object]) -> object:
    """Return the value if JSON can hold it, its text otherwise."""
    try:
        json.dumps(value, default=default, allow_nan=False)
    except Exception:  # noqa: BLE001 - `default` calls the user's own __str__
        return text_of(value)
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
        safe = {text_of(key): _serializable(value, default) for key, value in fields.items()}
        return json.dumps(safe, default=default)


_formatter = ExtendedJsonFormatter(serializer=_dumps)
_formatter.level_to_name_mapping = _LevelNames(LEVEL_TO_NAME)


def _extended(
    record: logging.LogRecord, extra: Mapping[str, object], flatten: bool, options: object
) -> ExtendedLogRecord:
    """Return aiologger's record, which knows six levels by name, with any level."""
    fields = {"logger": record.name, **fields_of(extra)}
    if record.stack_info:
        fields["stack_info"] = record.stack_info.split("\n")
    extended = ExtendedLogRecord(
        name=record.name,
        level=LogLevel.NOTSET,
        pathname=record.pathname,
        lineno=record.lineno,
        msg=message_of(record),
        args=None,
        exc_info=exception_lines(record),
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
            "level": text_of(record.levelname),
            "logger": text_of(record.name),
            "msg": text_of(record.msg),
            "logger_exception": f"{type(error).__name__}: {text_of(error)}",
        }
        line = json.dumps(fallback)
    return line + "\n"
