"""Groups of errors, as `asyncio.TaskGroup` raises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group that are no groups, in their order; any other error itself."""
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseExceptionGroup):
            waiting += reversed(each.exceptions)
        else:
            yield each


def counts_as(
    error: BaseException, kinds: type[BaseException] | tuple[type[BaseException], ...]
) -> bool:
    """Tell whether an error is of these classes; a group counts as what all its leaves are."""
    return isinstance(error, kinds) or all(isinstance(leaf, kinds) for leaf in leaves(error))
