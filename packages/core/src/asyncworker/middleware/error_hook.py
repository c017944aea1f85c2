"""Hooks that are told what handlers raise (`app.on_error`)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.handling.repeated_failures import Failures
from asyncworker.handling.time_limit import limited
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.call import Call
    from asyncworker.routes import Handler

log = logging.getLogger(__name__)

LIMIT: Final = 5.0
"""Seconds that error hooks have: what was handled is settled afterwards."""


class ErrorHook:
    """Tell one function of the user what a handler raised.

    What it raises itself is logged, and that is all that comes of it.
    """

    def __init__(self, hook: Handler) -> None:
        self._hook = limited(hook, LIMIT, "the limit of error hooks")
        self._failures = Failures(log, f"error hook {name_of(hook)}")

    async def tell(self, error: BaseException, call: Call) -> None:
        """Tell of an error, within `LIMIT` seconds."""
        try:
            await self._hook(error, call)
        except BaseException as raised:
            # Users' code: even its SystemExit must neither stop the loop nor lose the batch.
            if isinstance(raised, GeneratorExit) or is_cancelled_from_outside(raised):
                raise
            self._failures.report(raised)


async def tell_all(hooks: Sequence[ErrorHook], error: BaseException, call: Call) -> None:
    """Tell several hooks, side by side."""
    if len(hooks) == 1:
        await hooks[0].tell(error, call)
    else:
        await asyncio.gather(*(hook.tell(error, call) for hook in hooks))
