"""What was decided about the deliveries of one channel, as the fewest frames."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.frames import Decision, Settlement, Unhandled

if TYPE_CHECKING:
    from collections.abc import Iterable

ACK: Final = Actions.ACK


class Ledger:
    """Settle each delivery of a channel once, in whatever order they are decided.

    The broker numbers the deliveries of a channel 1, 2, 3, ... (AMQP 0-9-1, 1.8.3.13). One that is
    undecided keeps all above it from being confirmed in one frame.
    """

    def __init__(self) -> None:
        self._highest = 0
        """The highest delivery tag that is settled."""
        self._open: dict[int, None] = {}
        """Those below it that are not, the lowest first: fewer than prefetch lets be unsettled,
        however many are settled above one that hangs."""
        self._acks: set[int] = set()
        self._rejects: dict[int, Actions] = {}
        self._returns: set[int] = set()

    def decide(self, delivery_tag: int, action: Decision) -> None:
        """Note the outcome of a delivery."""
        if action is ACK:
            self._acks.add(delivery_tag)
        elif isinstance(action, Unhandled):
            self._returns.add(delivery_tag)
        else:
            self._rejects[delivery_tag] = action

    def acknowledge(self, delivery_tags: Iterable[int]) -> None:
        """Note that deliveries are to be acknowledged."""
        self._acks.update(delivery_tags)

    def is_decided(self, delivery_tag: int) -> bool:
        """Tell whether the outcome of a delivery is known."""
        if delivery_tag <= self._highest:
            return delivery_tag not in self._open or self._is_noted(delivery_tag)
        return self._is_noted(delivery_tag)

    @property
    def lowest_open(self) -> int:
        """Return the lowest delivery tag that is not settled, be it delivered already or not."""
        return next(iter(self._open), self._highest + 1)

    def _is_noted(self, delivery_tag: int) -> bool:
        noted = (self._acks, self._rejects, self._returns)
        return any(delivery_tag in tags for tags in noted)

    def take(self) -> list[Settlement]:
        """Return what was decided since the last call, in the order in which it must be sent."""
        # Rejections first: an ack of `multiple` would confirm those below it.
        settlements = [Settlement(tag, action, False) for tag, action in self._rejects.items()]
        if self._rejects:
            self._settle(self._rejects)
            self._rejects.clear()
        if self._acks:
            settlements += self._acknowledgements()
            self._acks.clear()
        if self._returns:
            # Last, for the same reason.
            settlements += self._given_back()
            self._returns.clear()
        return settlements

    def _acknowledgements(self) -> list[Settlement]:
        acks = self._acks
        if not self._open and max(acks) - self._highest == len(acks):
            # So many different tags above all that is settled are all up to there.
            self._highest += len(acks)
            return [Settlement(self._highest, ACK, len(acks) > 1)]
        tags, covered = self._settle(acks)
        settlements = [Settlement(tag, ACK, False) for tag in tags[covered:]]
        if covered:
            settlements.insert(0, Settlement(tags[covered - 1], ACK, covered > 1))
        return settlements

    def _given_back(self) -> list[Settlement]:
        """Return one frame where nothing below is undecided, or else one for each."""
        tags, covered = self._settle(self._returns)
        if covered == len(tags):
            return [Settlement(tags[-1], Unhandled.RETURN, len(tags) > 1)]
        return [Settlement(tag, Unhandled.RETURN, False) for tag in tags]

    def _settle(self, tags: Iterable[int]) -> tuple[list[int], int]:
        """Note what is settled; return it, the lowest first, and how many have none open below."""
        ordered = sorted(tags)
        for tag in ordered:
            if tag <= self._highest:
                self._open.pop(tag, None)
            else:
                for below in range(self._highest + 1, tag):
                    self._open[below] = None
                self._highest = tag
        return ordered, bisect_left(ordered, next(iter(self._open), self._highest + 1))
