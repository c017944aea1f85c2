"""Which kind of line a record becomes."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.logs.json_lines import json_line
from asyncworker.logs.nonblocking_output import current_stream, is_terminal
from asyncworker.logs.text_lines import text_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncworker.variables import LogFormat

_chosen: Final[dict[object, LogFormat]] = {}
"""Those of the runs under way: the newest decides."""


@contextmanager
def chosen(log_format: LogFormat) -> Iterator[None]:
    """Have lines be of a format while the context lasts. Without any they are JSON."""
    key = object()
    _chosen[key] = log_format
    try:
        yield
    finally:
        del _chosen[key]


def line_of(
    record: logging.LogRecord,
    extra: Mapping[str, object],
    flatten: bool = False,
    options: object = None,
) -> str:
    """Return one line, its end included, for the stream that it goes to."""
    log_format = next(reversed(_chosen.values()), "json")
    stream = current_stream(error=record.levelno >= logging.WARNING)
    if log_format == "json" or (log_format == "auto" and not is_terminal(stream)):
        return json_line(record, extra, flatten, options)
    return text_line(record, extra, colored=_may_color() and is_terminal(stream))


def _may_color() -> bool:
    # As no-color.org has it: any text but an empty one.
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
