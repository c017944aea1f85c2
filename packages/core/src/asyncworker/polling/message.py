"""PolledMessage: what a handler is given."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Generic

from asyncworker.options import Actions

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

Body = TypeVar("Body", default=Any)


@dataclass(slots=True, eq=False, kw_only=True)
class PolledMessage(Generic[Body]):
    """Hold one message, and what its handler decided about it.

    A backend extends it, so that its handlers may ask for it by that name.

    name: where it was read from, as the route says it. id: what tells it from all others there.
    raw_body: its bytes. body: what they were decoded to, by the codec of the route.
    headers: what else it carries. content_type, content_encoding: what it says of its body.
    redelivered: whether it may have been with a handler before.
    outcome: what `accept()` or `reject()` decided last, or else its route; None until one does.
    """

    name: str
    id: str
    raw_body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    content_type: str | None = None
    content_encoding: str | None = None
    redelivered: bool = False
    body: Body = field(default=None, init=False)  # type: ignore[assignment]  # Set before it is read.
    outcome: Actions | None = field(default=None, init=False)

    def accept(self) -> None:
        """Have the message done with, whatever the handler does next."""
        self.outcome = Actions.ACK

    def reject(self, requeue: bool = True) -> None:
        """Have the message put back, or else what the backend does with what is rejected.

        requeue: whether it goes back.
        """
        self.outcome = Actions.REQUEUE if requeue else Actions.REJECT
