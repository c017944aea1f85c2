"""The contract of a connection by which processes agree on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractAsyncContextManager

UNDECIDED: Final = "not known yet who holds it"
"""The problem of a lock at first."""


class Lock(Protocol):
    """Be held by one process at the most, as far as its connections can tell.

    turned: is set when `held` or `problem` changes; then there is another one.
    """

    turned: asyncio.Event

    @property
    def held(self) -> bool:
        """Tell whether this process holds it: False at once when the connection is lost."""
        ...

    @property
    def problem(self) -> str | None:
        """Return why nobody can say who holds it; None where this or another process does."""
        ...


@runtime_checkable
class Locking(Protocol):
    """Be a connection that holds locks, for what is to be done `once` among all processes."""

    def lock(self, name: str) -> AbstractAsyncContextManager[Lock]:
        """Strive for a lock while the context lasts, and give it up at the end.

        Those of one name in one process are one lock. Entering it waits for nothing.
        Raises: ConfigurationError, for a name that cannot be, before it is entered
        """
        ...
