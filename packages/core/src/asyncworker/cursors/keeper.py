"""Keeper: a place is saved behind what is handled, and loaded before anything is read."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from asyncworker.backoff import Backoff
from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from asyncworker.cursors.cursor import Cursor, Place

log = logging.getLogger(__name__)

P = TypeVar("P", bound="Place")

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that the last place has to be saved at the end of a run."""
CANCEL_TIMEOUT: Final = 0.5
"""Seconds that a call of a cursor has to end when it is cancelled."""
SLOW: Final = 10.0
"""Seconds after which a call of a cursor is a problem."""
LOADING: Final = "its place is being loaded"
NOT_LOADED: Final = "nothing is read before its place is loaded"
NOT_SAVED: Final = "the place is not saved"


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
        """Save what is reached as long as the context lasts, and what is reached last.

        Not when the end is cut short: what comes again then is handled once more.
        """
        saving = asyncio.create_task(self._run())
        try:
            yield
            self._is_ending = True
            self._moved.set()
            if not (await asyncio.wait([saving], timeout=CLOSE_TIMEOUT))[0]:
                log.error("%s: the place is not saved in time: more comes again", self._subject)
        finally:
            await _cancelled(saving)
            self._problems.pop(self._subject, None)

    async def load(self) -> P | None:
        """Return the place that is kept, as soon as it can be told; None if there is none."""
        backoff = Backoff()
        self._problems[self._subject] = LOADING
        while True:
            try:
                place = await self._called(self._cursor.load, NOT_LOADED)
                self._saved = None if place is None else self._checked(place)
            except Exception as error:  # noqa: BLE001 (cursors of users raise what they like)
                self._fails(NOT_LOADED, error)
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
                await self._called(partial(self._cursor.save, place), NOT_SAVED)
            except Exception as error:  # noqa: BLE001 (cursors of users raise what they like)
                self._fails(NOT_SAVED, error)
                self._moved.set()
                await backoff.wait()
            else:
                self._saved = place
                self._works()
                backoff.reset()

    @property
    def _is_saved(self) -> bool:
        return self._reached is None or self._reached == self._saved

    async def _called(self, function: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Return what users' code does, in a task of its own: it may raise even a cancellation.

        what: is told when it takes long.
        """
        calling = asyncio.ensure_future(function())
        try:
            if not (await asyncio.wait([calling], timeout=SLOW))[0]:
                self._fails(what, TimeoutError(f"no end within {SLOW:g} s"))
                await asyncio.wait([calling])
        finally:
            await _cancelled(calling)
        if calling.cancelled():
            raise RuntimeError("it ended by a cancellation of its own")
        return calling.result()

    def _fails(self, what: str, error: Exception) -> None:
        problem = f"{what}: {brief(error)}"
        if self._problems.get(self._subject) != problem:
            log.warning("%s: %s; trying again", self._subject, problem)
        self._problems[self._subject] = problem

    def _works(self) -> None:
        if self._problems.pop(self._subject, LOADING) != LOADING:
            log.info("%s: the place is kept again", self._subject)


async def _cancelled(task: asyncio.Future[Any]) -> None:
    """Cancel what has not ended, and wait for its end, but not for long."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_TIMEOUT)
        if task.done() and not task.cancelled():
            # What it has raised is of no use to anybody.
            task.exception()
