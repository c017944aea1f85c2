"""What handlers share as long as an app runs: each resource by its type."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from asyncworker.errors import ConfigurationError
from asyncworker.parameters.shared import given_app_or_nothing
from asyncworker.parameters.signature import returned_by, shown
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.app import App

YIELDING: Final = (AsyncGenerator, AsyncIterable, AsyncIterator)
END: Final = object()
"""What follows the last thing that a generator yields."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Hold how one thing is opened that handlers share.

    type: by which they ask for it. name: of the function. open: what yields it, once.
    """

    type: Hashable
    name: str
    open: Callable[[App], AsyncGenerator[Any]]

    @classmethod
    def made_by(cls, function: Callable[..., Any], app: App) -> Resource:
        """Return the resource of an async generator function, checked.

        Raises: ConfigurationError
        """
        check_opening(function)
        name = name_of(function)
        return cls(_type(function, name, app), name, given_app_or_nothing(app, function))


class Opening:
    """Open one resource for one run of its app, and close it."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._values: AsyncGenerator[Any] | None = None

    @property
    def subject(self) -> str:
        """Return what errors call it."""
        return f"resource {self._resource.name}"

    async def open(self, app: App) -> None:
        """Have the app hold what the function yields."""
        self._values = self._resource.open(app)
        value = await anext(self._values, END)
        if value is END:
            raise RuntimeError("it yielded nothing, and must yield once")
        app[self._resource.type] = value

    async def close(self, app: App) -> None:
        """Run what follows the yield, whatever has ended the run."""
        app.pop(self._resource.type, None)
        if self._values is not None and await anext(self._values, END) is not END:
            await self._values.aclose()
            raise RuntimeError("it yielded twice, and must yield once")


def check_opening(function: object) -> None:
    """Accept an async generator function.

    Raises: ConfigurationError
    """
    if not inspect.isasyncgenfunction(function):
        name = name_of(function) if callable(function) else repr(function)
        raise ConfigurationError(
            f"resource {name} must be an async generator function: async def, with one yield"
        )


def _type(function: Callable[..., Any], name: str, app: App) -> Hashable:
    """Return the type that `-> AsyncIterator[Database]` names.

    Raises: ConfigurationError
    """
    returned = returned_by(function, {"App": type(app)})
    arguments = get_args(returned)
    if get_origin(returned) not in YIELDING or not arguments:
        raise ConfigurationError(
            f"resource {name} must say what it yields: -> AsyncIterator[Database], for example"
        )
    kind = arguments[0]
    if kind in (Any, None, object) or not isinstance(kind, Hashable):
        raise ConfigurationError(f"resource {name} yields {shown(kind)}: name a type of its own")
    return kind
