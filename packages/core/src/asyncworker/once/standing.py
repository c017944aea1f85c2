"""How it stands with the lock of a handler, as problems and the log tell."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from asyncworker.once.lock import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.once.claim import Claim
    from asyncworker.once.lock import Lock

log = logging.getLogger(__name__)

FIRST_TIMEOUT: Final = 10.0
"""Seconds that are waited at the start to learn who holds a lock."""


class Turn(NamedTuple):
    """Say how it stands from now on.

    held: whether by this process. problem: why nobody can say who holds it. reason: why not here.
    """

    held: bool
    problem: str | None
    reason: str


class Standing:
    """Tell whether a handler works here, or stands by; the log has each change once.

    subject: what logs and problems call it.
    """

    def __init__(self, lock: Lock, claim: Claim, subject: str) -> None:
        self._lock = lock
        self._name = claim.name
        self._problems = claim.connection.problems
        self._subject = subject

    async def follow(self, show: Callable[[Turn], None]) -> None:
        """Have it shown how it stands, now and at each change, until cancelled."""
        before = None
        try:
            while True:
                turned = self._lock.turned
                turn = self._turn()
                if turn != before:
                    self._tell(turn)
                    if turn.problem != UNDECIDED:
                        show(turn)
                    before = turn
                await turned.wait()
        finally:
            self._problems.pop(self._subject, None)

    async def decided(self) -> None:
        """Wait until it is known who holds the lock, but not for long."""
        try:
            async with asyncio.timeout(FIRST_TIMEOUT):
                while self._turn().problem is not None:
                    await self._lock.turned.wait()
        except TimeoutError:
            # It works once it holds the lock.
            pass

    def _turn(self) -> Turn:
        if self._lock.held:
            return Turn(held=True, problem=None, reason="")
        problem = self._lock.problem
        if problem is None:
            return Turn(held=False, problem=None, reason=f"another holds lock {self._name!r}")
        return Turn(held=False, problem=problem, reason=f"lock {self._name!r}: {problem}")

    def _tell(self, turn: Turn) -> None:
        if turn.problem is not None:
            if turn.problem != UNDECIDED:
                log.warning("%s: %s", self._subject, turn.reason)
            self._problems[self._subject] = turn.reason
            return
        self._problems.pop(self._subject, None)
        if turn.held:
            log.info("%s: this process holds lock %r", self._subject, self._name)
        else:
            log.info("%s: standing by: %s", self._subject, turn.reason)
