"""What a function of the user tells each time that it is needed, as a token that expires."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from asyncworker.errors import AsyncWorkerError, ConfigurationError
from asyncworker.routes import name_of
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable


def check_provider(what: str, function: Callable[..., Any]) -> None:
    """Accept a function that can be called without arguments.

    Raises: ConfigurationError
    """
    try:
        signature_of(function).bind()
    except ValueError:
        # Some built-in functions have no signature to look at.
        return
    except TypeError as error:
        name = name_of(function)
        raise ConfigurationError(f"{what}: {name} must need no arguments: {error}") from None


async def provided(what: str, function: Callable[[], Any], limit: float) -> Any:
    """Return what a function returns, sync or async.

    limit: seconds.
    Raises: AsyncWorkerError, in words that hold no secret.
    """
    task = asyncio.current_task()
    cancellations = 0 if task is None else task.cancelling()
    try:
        async with asyncio.timeout(limit):
            value = function()
            return await value if inspect.isawaitable(value) else value
    except (Exception, asyncio.CancelledError) as error:
        # Users' code may raise anything, even a cancellation that nobody asked for.
        if task is not None and task.cancelling() > cancellations:
            raise
        # What it says may hold the secret.
        kind = type(error).__name__
        raise AsyncWorkerError(f"{what}: {name_of(function)} raised {kind}") from None
