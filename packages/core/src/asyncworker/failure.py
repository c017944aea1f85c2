"""What users' code raised, shown as they would see it without us."""

from __future__ import annotations

import importlib
import traceback
from itertools import dropwhile, filterfalse
from pathlib import Path

import asyncworker
from asyncworker.errors import AsyncWorkerError


def users_traceback(error: BaseException) -> str:
    """Return the traceback from the first frame of the user on.

    An error of ours says itself what is wrong with the user's line, so it is shown without ours.
    """
    shown = traceback.TracebackException.from_exception(error)
    drop = filterfalse if isinstance(error, AsyncWorkerError) else dropwhile
    shown.stack = traceback.StackSummary.from_list(list(drop(_is_ours, shown.stack)))
    return "".join(shown.format()).rstrip()


def _is_ours(frame: traceback.FrameSummary) -> bool:
    if frame.filename.startswith("<frozen importlib") or frame.filename == importlib.__file__:
        return True
    return any(Path(frame.filename).is_relative_to(folder) for folder in asyncworker.__path__)
