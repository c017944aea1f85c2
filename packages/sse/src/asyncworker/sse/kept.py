"""Events of a route that is paused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncworker.intake.intake import Intake
    from asyncworker.pausing.circuit import Circuit
    from asyncworker.sse.event import SSEEvent


class Kept:
    """Pass events on to an intake, but for those that come while their route is paused.

    These are kept, with all that no handler was given. When the time is over one of them is tried,
    and then all go on, in order.
    """

    def __init__(self, circuit: Circuit, intake: Intake[SSEEvent]) -> None:
        self._circuit = circuit
        self._intake = intake
        self._events: list[SSEEvent] = []
        self._has_tried = False
        self._fewer = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def take(self, events: list[SSEEvent]) -> None:
        """Have events handled, or keep them."""
        self._events += events
        self._hand_on()

    def take_back(self, batch: list[SSEEvent]) -> None:
        """Keep what met that the route is to pause."""
        self._events = [*batch, *self._events]

    def withdraw(self) -> None:
        """Keep what no handler was given."""
        self._events = [*self._intake.withdraw(), *self._events]

    async def follow(self) -> None:
        """Hand events on as the circuit turns, until cancelled."""
        circuit = self._circuit
        while True:
            turned = circuit.turned
            if circuit.state == "paused":
                await circuit.over()
                continue
            self._has_tried = False
            self._hand_on()
            await turned.wait()

    def release(self) -> None:
        """Have all of them handled, paused or not."""
        events, self._events = self._events, []
        self._fewer.set()
        self._intake.extend(events)

    async def room(self, most: int) -> None:
        """Wait while so many are kept."""
        while len(self._events) >= most:
            self._fewer.clear()
            await self._fewer.wait()

    def _hand_on(self) -> None:
        if self._circuit.state == "working":
            self.release()
            return
        while self._circuit.state == "trying" and self._events and not self._has_tried:
            self._has_tried = self._intake.try_one(self._events.pop(0))
            self._fewer.set()
