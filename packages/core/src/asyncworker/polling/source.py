"""Source: where the messages of a route come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.options import Actions
    from asyncworker.polling.message import PolledMessage


class Source(Protocol):
    """Read the messages of one route, and be told what becomes of them.

    A backend fulfils it. It is the context of an `async with`: entered when it can be read, and
    left when nothing more is asked of it. What it raises of the `failures` of its route has another
    one opened after a while, which is told what this one did not hear.
    """

    @property
    def keep_every(self) -> float | None:
        """Return the seconds from one `keep()` to the next; None where none is needed."""
        ...

    async def read(self, count: int) -> Sequence[PolledMessage[Any]]:
        """Return the messages that come first, about so many at the most.

        Without any it returns none in a moment: a drain waits for that.
        """
        ...

    async def settle(self, outcome: Actions, messages: Sequence[PolledMessage[Any]]) -> None:
        """Acknowledge, reject or put back messages; of some it may be told once more."""
        ...

    async def keep(self, messages: Sequence[PolledMessage[Any]]) -> None:
        """Say that messages are still at work, so that no other consumer is given them."""
        ...
