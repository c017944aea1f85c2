"""Values as the arguments of a handler, by position and by keyword."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

R = TypeVar("R")


def calling(
    handler: Callable[..., R], parameters: Sequence[Parameter]
) -> Callable[[Sequence[Any]], R]:
    """Return what calls a handler with a value for each of its parameters, in their order."""
    named = [each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    if not named:
        return lambda values: handler(*values)
    count = len(parameters) - len(named)

    def call(values: Sequence[Any]) -> R:
        return handler(*values[:count], **dict(zip(named, values[count:], strict=True)))

    return call
