"""Work that SIGINT and SIGTERM stop, and that is seen to its end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, TypeVar

from asyncworker.errors import AsyncWorkerError
from asyncworker.running.signals import STOP_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Stopped(AsyncWorkerError):
    """Report work that a signal stopped. code: what to exit with."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


async def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; each signal cancels it once.

    Raises: Stopped
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    numbers: list[int] = []

    def stop(number: int) -> None:
        numbers.append(number)
        task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not numbers:
            raise
        raise Stopped(numbers[0]) from None
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
