"""Keeper: a place is saved behind what is handled, and loaded before anything is read."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from asyncworker.backoff import Backoff
from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncworker.cursors.cursor import Cursor, Place

log = logging.getLogger(__name__)

P = TypeVar("P", bound="Place")

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that the last place has to be saved at the end of a run."""


class Keeper(Generic[P]):
    """Have a cursor keep a place, one at a time and only the newest.

    checked: returns what was loaded if it is a place there, or raises ValueError. subject: what
    problems and logs name. problems: what keeps routes from working now.
    """

    def __init__(
        self,
        cursor: Cursor,
        checked: Callable[[Place], P],
        subject: str,
        problems: dict[str, str],
    ) -> None:
        self._cursor = cursor
        self._checked = checked
        self._subject = f"{subject}, {cursor!r}"
        self._problems = problems
        self._reached: P | None = None
        self._saved: P | None = None
        self._moved = asyncio.Event()
        self._is_ending = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Save what is reached as long as the context lasts, and what is reached last."""
        saving = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._is_ending = True
            self._moved.set()
            await asyncio.wait([saving], timeout=CLOSE_TIMEOUT)
            if not saving.done():
                log.error("%s: the place is not saved in time: more comes again", self._subject)
                saving.cancel()
                await asyncio.wait([saving])
            self._problems.pop(self._subject, None)

    async def load(self) -> P | None:
        """Return the place that is kept, as soon as it can be told; None if there is none."""
        backoff = Backoff()
        while True:
            try:
                place = await self._cursor.load()
                self._saved = None if place is None else self._checked(place)
            except Exception as error:  # noqa: BLE001 (cursors of users raise what they like)
                self._fails("nothing is read before its place is loaded", error)
                await backoff.wait()
            else:
                # Another process may have gone further meanwhile: nothing goes back behind that.
                self._reached = self._saved
                self._works()
                return self._saved

    def reached(self, place: P) -> None:
        """Note a place: it is saved soon."""
        if place != self._reached:
            self._reached = place
            self._moved.set()

    async def _run(self) -> None:
        backoff = Backoff()
        while not (self._is_ending and self._is_saved):
            await self._moved.wait()
            self._moved.clear()
            if self._is_saved:
                continue
            # What is reached meanwhile is saved next.
            place = cast("P", self._reached)
            try:
                await self._cursor.save(place)
            except Exception as error:  # noqa: BLE001 (cursors of users raise what they like)
                self._fails("the place is not saved", error)
                self._moved.set()
                await backoff.wait()
            else:
                self._saved = place
                self._works()
                backoff.reset()

    @property
    def _is_saved(self) -> bool:
        return self._reached is None or self._reached == self._saved

    def _fails(self, what: str, error: Exception) -> None:
        problem = f"{what}: {brief(error)}"
        if self._problems.get(self._subject) != problem:
            log.warning("%s: %s; trying again", self._subject, problem)
        self._problems[self._subject] = problem

    def _works(self) -> None:
        if self._problems.pop(self._subject, None) is not None:
            log.info("%s: the place is kept again", self._subject)
