"""A parent of processes, from its first signal handler to its exit code."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from asyncworker.children import Children
from asyncworker.errors import AsyncWorkerError
from asyncworker.json_lines import show_process
from asyncworker.logs import json_logging

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


def supervise(
    arguments: Sequence[str], loglevel: str, keep: Callable[[Children], Awaitable[int]]
) -> int:
    """Run `keep` with processes of these arguments, and return its exit code.

    Raises: AsyncWorkerError, where processes cannot be supervised.
    """
    if os.name != "posix":
        raise AsyncWorkerError("--workers and --reload need Linux, macOS or another POSIX system")
    show_process()
    with json_logging(loglevel):
        return asyncio.run(_minded(arguments, keep))


async def _minded(arguments: Sequence[str], keep: Callable[[Children], Awaitable[int]]) -> int:
    with Children(arguments).minded() as children:
        return await keep(children)
