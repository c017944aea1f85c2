"""Lines of the log, as JSON through aiologger or for people, for any number of event loops."""

from __future__ import annotations

import atexit
import logging
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aiologger.levels import LogLevel
from aiologger.loggers.json import JsonLogger

from asyncworker.log_fields import beyond_handler, log_fields
from asyncworker.logs.json_lines import json_line
from asyncworker.logs.line_format import chosen, line_of
from asyncworker.logs.line_writer import LineWriter
from asyncworker.logs.records import exc_info_of
from asyncworker.plural import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterable, Iterator, Mapping

    from asyncworker.variables import LogFormat

__all__ = ["JsonHandler", "WorkerLogger", "json_logging", "log_fields", "logger"]

# Seconds that a slow reader gets when a run, or the process, ends.
RUN_DEADLINE = 2.0
EXIT_DEADLINE = 1.0

# Whatever else a record holds came with `extra=`.
STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def _lost(count: int) -> str:
    """Return the line that stands for lines that were lost."""
    text = f"lost {counted(count, 'log line')}: nothing read stdout or stderr fast enough"
    record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None, "_lost")
    return beyond_handler().run(line_of, record, {"lost_lines": count})


_writer = LineWriter(_lost)
atexit.register(_writer.finish, EXIT_DEADLINE)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_writer.reset)


class JsonHandler(logging.Handler):
    """Write the records of the standard library as aiologger's lines of JSON.

    Below WARNING to stdout, the others to stderr. A formatter that is set on it is not used.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON, its end included."""
        return json_line(record, _extra_of(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; never raise or block."""
        _writer.write(self.format(record), error=record.levelno >= logging.WARNING)


class _RunHandler(JsonHandler):
    """Write them as the run wants it."""

    def format(self, record: logging.LogRecord) -> str:
        return line_of(record, _extra_of(record))


def _extra_of(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in STANDARD_ATTRIBUTES}


class _Written:
    """The result of a log call: the line is on its way, so that awaiting it takes no time."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_WRITTEN = _Written()


class WorkerLogger(JsonLogger):  # type: ignore[misc]  # aiologger has no types
    """An aiologger JsonLogger that writes within the call: no event loop, no task, no lost line.

    Every method returns an awaitable that need not be awaited.
    """

    def add_handler(self, handler: object) -> NoReturn:
        """Refuse: handlers of aiologger are bound to one event loop.

        Raises: TypeError.
        """
        raise TypeError(
            f"{handler!r} cannot be added: this logger writes to stdout and stderr alone; "
            "for other places use logging.getLogger(__name__)"
        )

    def _make_log_task(
        self,
        level: int,
        msg: object,
        args: tuple[object, ...] = (),
        **options: Any,
    ) -> Awaitable[None]:
        if level < self.level or self.disabled:
            return _WRITTEN
        # aiologger counts frames to find the caller: this call has to stay in this very method.
        caller = self.find_caller(options.pop("stack_info", False))
        return self._log(level, msg, args, caller=caller, **options)

    def _log(
        self,
        level: int,
        msg: object,
        args: tuple[object, ...],
        exc_info: object = None,
        extra: Mapping[str, object] | None = None,
        flatten: bool = False,
        serializer_kwargs: Mapping[str, object] | None = None,
        caller: tuple[str, int, str, str | None] = (
            "(unknown file)",
            0,
            "(unknown function)",
            None,
        ),
    ) -> Awaitable[None]:
        path, number, function, stack = caller
        exc = exc_info_of(exc_info)
        record = logging.LogRecord(
            self.name, int(level), path, number, msg, args, exc, function, stack
        )
        if self._passes(record):
            fields = {**self.extra, **(extra or {})}
            options = serializer_kwargs or self.serializer_kwargs
            line = line_of(record, fields, flatten or self.flatten, options)
            _writer.write(line, error=level >= logging.WARNING)
        return _WRITTEN

    def _passes(self, record: logging.LogRecord) -> bool:
        try:
            return bool(self.filter(record))
        except Exception:  # noqa: BLE001 - a filter of the user that fails keeps no line back
            return True


logger: Final = WorkerLogger(name="asyncworker", level=LogLevel.INFO)
"""An aiologger whose lines are like all others: `await logger.info({"order": 1})`."""


class _Run:
    """What one run of an App asks of the logging module."""

    def __init__(self, level: int, quiet: Iterable[str]) -> None:
        self._level = level
        self._quiet = () if level <= logging.DEBUG else tuple(quiet)

    def install(self, handler: logging.Handler, undo: ExitStack) -> None:
        """Set handler and levels, and note in `undo` how to take them back."""
        logging.root.addHandler(handler)
        undo.callback(logging.root.removeHandler, handler)
        _hold_level(logging.root, self._level, undo)
        for name in self._quiet:
            if logging.getLogger(name).level == logging.NOTSET:
                _hold_level(logging.getLogger(name), logging.CRITICAL, undo)
        undo.callback(setattr, logger, "level", logger.level)
        logger.level = self._level


def _hold_level(target: logging.Logger, level: int, undo: ExitStack) -> None:
    """Set a level until `undo` closes; one that was set by someone else meanwhile stays."""
    before = target.level
    target.setLevel(level)
    undo.callback(lambda: target.setLevel(before) if target.level == level else None)


class _Runs:
    """The runs under way that found logging not configured: the newest decides."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._handler = _RunHandler()
        self._undo = ExitStack()

    def add(self, run: _Run) -> None:
        """Let a run decide, unless the user's handlers are there."""
        if all(handler is self._handler for handler in logging.root.handlers):
            self._runs.append(run)
            self._apply()

    def remove(self, run: _Run) -> None:
        """Take back what a run decided."""
        if run in self._runs:
            self._runs.remove(run)
            self._apply()

    def _apply(self) -> None:
        self._undo.close()
        if self._runs:
            self._runs[-1].install(self._handler, self._undo)


_runs = _Runs()


def _level_number(level: int | str) -> int:
    """Return the number of a level that is given by name, in any case, or by number."""
    if isinstance(level, int):
        return level
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        raise ValueError(f"{level!r} is not a log level: use one of {', '.join(names)}")
    return names[level.upper()]


def flush() -> None:
    """Wait for what was logged to be written, but not long."""
    _writer.flush(RUN_DEADLINE)


@contextmanager
def json_logging(
    level: int | str, quiet: Iterable[str] = (), log_format: LogFormat = "auto"
) -> Iterator[None]:
    """Log as lines of JSON, or for people, unless the root logger has handlers of the user.

    level: of the root logger and of `logger`.
    quiet: names of loggers that are silenced, unless `level` is DEBUG or they have a level.
    log_format: "json", "text" for people, or "auto", which is text where it goes to a terminal.
    Raises: ValueError for an unknown level.
    """
    run = _Run(_level_number(level), quiet)
    with chosen(log_format):
        _runs.add(run)
        try:
            yield
        finally:
            _runs.remove(run)
            flush()
