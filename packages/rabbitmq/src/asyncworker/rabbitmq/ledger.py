"""What one channel delivered and what was decided about it, as the fewest frames."""

from __future__ import annotations

from typing import NamedTuple

from asyncworker.options import Actions


class Settlement(NamedTuple):
    """Stand for one frame to the broker; `multiple` covers every lower tag not yet settled."""

    delivery_tag: int
    action: Actions
    multiple: bool


class Ledger:
    """Settle each delivery of a channel once, whatever is decided how often.

    Delivery tags grow on a channel (AMQP 0-9-1, 1.8.3.13), so the outstanding ones are in order.
    It holds as many tags as the broker may leave unacknowledged.
    """

    def __init__(self) -> None:
        self._outstanding: dict[int, None] = {}
        self._acks: set[int] = set()
        self._rejects: dict[int, Actions] = {}

    def __bool__(self) -> bool:
        return bool(self._acks or self._rejects)

    def delivered(self, delivery_tag: int) -> None:
        """Remember a delivery that is to be settled."""
        self._outstanding[delivery_tag] = None

    def decide(self, delivery_tag: int, action: Actions) -> None:
        """Note the outcome of an outstanding delivery."""
        if action is Actions.ACK:
            self._acks.add(delivery_tag)
        else:
            self._rejects[delivery_tag] = action

    def take(self) -> list[Settlement]:
        """Return what was decided since the last call, in the order in which it must be sent."""
        # Rejections first: an ack of `multiple` would confirm those below it that are outstanding.
        settlements = [Settlement(tag, action, False) for tag, action in self._rejects.items()]
        for tag in self._rejects:
            del self._outstanding[tag]
        covered = self._lowest_acked()
        if covered:
            settlements.append(Settlement(covered[-1], Actions.ACK, len(covered) > 1))
            self._acks.difference_update(covered)
        settlements += [Settlement(tag, Actions.ACK, False) for tag in sorted(self._acks)]
        for tag in (*covered, *self._acks):
            del self._outstanding[tag]
        self._acks.clear()
        self._rejects.clear()
        return settlements

    def _lowest_acked(self) -> list[int]:
        """Return the acked tags below which nothing is outstanding and undecided."""
        covered = []
        for tag in self._outstanding:
            if tag not in self._acks:
                break
            covered.append(tag)
        return covered
