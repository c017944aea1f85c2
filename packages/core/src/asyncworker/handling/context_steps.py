"""Steps of a coroutine, each taken within a context of its own."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from contextvars import Context


@coroutine
def stepped(call: Coroutine[Any, Any, None], context: Context) -> Generator[Any, Any, None]:
    """Await a call in this task, but within another context.

    A task made for it would do the same, at several times the price.
    """
    step, argument = call.send, None
    while True:
        try:
            waited_for = context.run(step, argument)
        except StopIteration:
            return
        try:
            step, argument = call.send, (yield waited_for)
        except GeneratorExit:
            context.run(call.close)
            raise
        except BaseException as error:  # noqa: BLE001 (a cancellation above all: it is the call's)
            step, argument = call.throw, error
