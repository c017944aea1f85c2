"""What users' code raised, shown as they would see it without us."""

from __future__ import annotations

import asyncio
import importlib
import sys
import traceback
from itertools import dropwhile, filterfalse
from pathlib import Path
from typing import TYPE_CHECKING

from asyncworker.errors import AsyncWorkerError
from asyncworker.handling.redaction import redacted, shortened

if TYPE_CHECKING:
    from types import TracebackType

    Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def raised_by_users(error: BaseException) -> Raised:
    """Return what a log call takes as `exc_info`, from the first frame of the user on.

    What has no such frame is a mistake of ours, and is shown with all of them; unless it is an
    error of ours, which says itself what is wrong, or a cancellation while nothing but a thread of
    theirs was waited for. It is bounded, and holds no data.
    """
    trace = error.__traceback__
    while trace is not None and is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    if trace is None and not isinstance(error, AsyncWorkerError | asyncio.CancelledError):
        trace = error.__traceback__
    fit = redacted(error)
    return type(fit), fit, shortened(trace)


def caused_by_users(error: BaseException) -> Raised | None:
    """Return the same of the cause of an error, None where there is none."""
    return None if error.__cause__ is None else raised_by_users(error.__cause__)


def users_traceback(error: BaseException) -> str:
    """Return the traceback from the first frame of the user on.

    An error of ours says itself what is wrong with the user's line, so it is shown without ours.
    """
    shown = traceback.TracebackException.from_exception(redacted(error))
    drop = filterfalse if isinstance(error, AsyncWorkerError) else dropwhile
    shown.stack = traceback.StackSummary.from_list(list(drop(_is_in_ours, shown.stack)))
    return "".join(shown.format()).rstrip()


def _is_in_ours(frame: traceback.FrameSummary) -> bool:
    return is_ours(frame.filename)


def is_ours(file: str) -> bool:
    """Tell whether a file is of asyncworker, or of what imports modules."""
    if file.startswith("<frozen importlib") or file == importlib.__file__:
        return True
    return any(Path(file).is_relative_to(folder) for folder in sys.modules["asyncworker"].__path__)
