"""What was decided about the deliveries of one channel, as the fewest frames."""

from __future__ import annotations

from typing import Final

from asyncworker.options import Actions
from asyncworker.rabbitmq.frames import Decision, Settlement, Unhandled

ACK: Final = Actions.ACK


class Ledger:
    """Settle each delivery of a channel once, in whatever order they are decided.

    The broker numbers the deliveries of a channel 1, 2, 3, ... (AMQP 0-9-1, 1.8.3.13). One that is
    undecided keeps all above it from being confirmed in one frame.
    """

    def __init__(self) -> None:
        self._lowest = 1
        """The lowest delivery tag that is not settled."""
        self._settled: set[int] = set()
        """The settled ones above it, fewer than the broker may leave unacknowledged."""
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

    def take(self) -> list[Settlement]:
        """Return what was decided since the last call, in the order in which it must be sent."""
        # Rejections first: an ack of `multiple` would confirm those below it.
        settlements = [Settlement(tag, action, False) for tag, action in self._rejects.items()]
        self._settled.update(self._rejects)
        self._rejects.clear()
        if self._acks:
            settlements += self._acknowledgements()
            self._acks.clear()
        if self._returns:
            # Last, for the same reason.
            settlements += self._givings_back()
            self._settled |= self._returns
            self._returns.clear()
        return settlements

    def _acknowledgements(self) -> list[Settlement]:
        acks, first = self._acks, self._lowest
        if not self._settled and max(acks) - first + 1 == len(acks):
            # So many different tags in that range are all of them.
            covered, self._lowest = len(acks), first + len(acks)
            return [Settlement(self._lowest - 1, ACK, covered > 1)]
        settlements = []
        covered, last = self._advance()
        if covered:
            settlements.append(Settlement(last, ACK, covered > 1))
        above = sorted(tag for tag in acks if tag >= self._lowest)
        self._settled.update(above)
        return settlements + [Settlement(tag, ACK, False) for tag in above]

    def _givings_back(self) -> list[Settlement]:
        """Return one frame where nothing below is undecided, or else one for each."""
        last = max(self._returns)
        between = last - self._lowest + 1 - sum(tag < last for tag in self._settled)
        if between == len(self._returns):
            return [Settlement(last, Unhandled.RETURN, between > 1)]
        return [Settlement(tag, Unhandled.RETURN, False) for tag in sorted(self._returns)]

    def _advance(self) -> tuple[int, int]:
        """Step over what is decided; return how many acks were passed, and the last of them."""
        covered = last = 0
        while self._lowest in self._acks or self._lowest in self._settled:
            if self._lowest in self._acks:
                covered, last = covered + 1, self._lowest
            else:
                self._settled.remove(self._lowest)
            self._lowest += 1
        return covered, last
