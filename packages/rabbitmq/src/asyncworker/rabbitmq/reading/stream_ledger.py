"""What was decided about the deliveries of a stream: the broker is told that they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.options import Actions
from asyncworker.rabbitmq.settling.ledger import ACK, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asyncworker.rabbitmq.amqp.frames import Decision
    from asyncworker.rabbitmq.reading.stream_place import StreamPlace


class StreamLedger(Ledger):
    """Acknowledge each delivery, which only makes room for another one.

    A stream takes nothing back: Basic.Reject and Basic.Nack end the connection (3.10.8). What is
    not handled stays open in its place, and is read again from there.

    moved: is called when something may have been handled.
    """

    def __init__(self, moved: Callable[[], None]) -> None:
        super().__init__()
        self._moved = moved
        self._at_work: dict[int, tuple[StreamPlace, int]] = {}
        """What was delivered and not decided, by its delivery tag."""
        self._offsets: set[tuple[StreamPlace, int]] = set()

    def came(self, delivery_tag: int, place: StreamPlace, offset: int) -> bool:
        """Note a delivery; return whether it is to be handled, and not handled or here already."""
        at = place, offset
        if at in self._offsets or place.is_handled(offset):
            return False
        self._offsets.add(at)
        self._at_work[delivery_tag] = at
        return True

    def decide(self, delivery_tag: int, action: Decision) -> None:
        """Note the outcome of a delivery."""
        self._note(delivery_tag, is_handled=action in (Actions.ACK, Actions.REJECT))
        self._moved()
        super().decide(delivery_tag, ACK)

    def acknowledge(self, delivery_tags: Iterable[int]) -> None:
        """Note that deliveries are handled."""
        tags = list(delivery_tags)
        for tag in tags:
            self._note(tag, is_handled=True)
        self._moved()
        super().acknowledge(tags)

    def _note(self, delivery_tag: int, *, is_handled: bool) -> None:
        at = self._at_work.pop(delivery_tag, None)
        if at is None:
            return
        self._offsets.discard(at)
        place, offset = at
        if is_handled:
            place.handled(offset)
