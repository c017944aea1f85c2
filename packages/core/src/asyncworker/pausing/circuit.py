"""Circuit: whether a route takes what comes, nothing, or one message to try."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from asyncworker.handling.exception_groups import leaves
from asyncworker.handling.redaction import brief
from asyncworker.pausing.pause import Pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.pausing.breaker import Breaker

State = Literal["working", "paused", "trying"]
BY_HAND = "app.pause() was called"


class Circuit:
    """Hold whether a route works, in a run and before it.

    It works; it is paused, for some time or until it is resumed; or it tries one message, when the
    time is over. What a handler raises may have it wait, and what it is given then goes back.

    breaker: what has it wait when too much fails; None for nothing.
    """

    def __init__(self, breaker: Breaker | None = None) -> None:
        self.state: State = "working"
        self.reason: str = ""
        """Why it is paused."""
        self.until: float | None = None
        """When the pause is over, on the loop's clock; None where somebody has to resume it."""
        self.counts: bool = breaker is not None
        """Whether it wants to know of what succeeds, too."""
        self.turned: asyncio.Event = asyncio.Event()
        """Is set when it turns to another state, or is paused anew; then there is another one."""
        self._breaker = breaker
        self._is_held = False
        self._seconds = 0.0
        self._pauses = 0
        self._batches = 0
        self._failed: deque[tuple[int, float]] = deque(maxlen=breaker.most if breaker else 0)
        """The numbers of the batches that failed last, and when."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_pause: Callable[[], None] | None = None

    def begin(self, on_pause: Callable[[], None]) -> None:
        """Begin with a run, on its loop.

        on_pause: is called at once when a pause begins, or gets longer.
        """
        self._loop = asyncio.get_running_loop()
        self._on_pause = on_pause
        self.turned = asyncio.Event()
        if self._is_held:
            on_pause()
        else:
            self._work()

    def end(self) -> None:
        """Have nothing more to do with that run."""
        self._loop = self._on_pause = None

    def pause(self) -> None:
        """Take nothing until `resume()`; from any thread."""
        self._call(self._hold)

    def resume(self) -> None:
        """Go on at once; from any thread."""
        self._call(self._resume)

    def succeeded(self, batches: int = 1) -> None:
        """Note that so many did not fail."""
        self._batches += batches
        if self.state == "trying":
            self._work()

    def failed(
        self, raised: Exception, said: Pause | None = None, *, is_part: bool = False
    ) -> bool:
        """Note what a handler raised; tell whether what it was given goes back, uncounted.

        said: what is to be done about it, by the options of the route. is_part: whether that was a
        part of a batch that has failed before.
        """
        if (pause := _raised(raised) or said) is not None:
            self._pause_for(pause.seconds, brief(raised))
            return True
        if self._breaker is None or not self._breaker.counts(raised):
            self.succeeded()
            return False
        if self._is_held:
            return False
        if self.state == "working" and (is_part or not self._is_too_much(self._breaker)):
            return False
        if self.state != "paused":
            self._trip(self._breaker, raised)
        return True

    async def over(self) -> None:
        """Wait while it is paused."""
        while self.state == "paused":
            turned = self.turned
            try:
                async with asyncio.timeout_at(self.until):
                    await turned.wait()
            except TimeoutError:
                # Unless it was resumed in the same turn of the loop.
                if turned is self.turned:
                    self._turn("trying")

    def advance(self, seconds: float) -> None:
        """Let so much time of a pause pass at once, as in tests."""
        if self.state == "paused" and self.until is not None:
            self.until -= seconds
            self._turn("paused")

    @property
    def rests(self) -> bool:
        """Tell whether nothing is to be taken now."""
        is_due = self.until is not None and self.until <= self._now()
        return self.state == "paused" and not is_due

    @property
    def duration(self) -> str:
        """Return for how long it is paused since just now, and until when, for people."""
        if self.until is None:
            return "until app.resume()"
        at = datetime.now(UTC) + timedelta(seconds=self._seconds)
        return f"for {round(self._seconds, 2):g} s, until {at:%Y-%m-%dT%H:%M:%SZ}"

    def _call(self, change: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and loop is not _running_loop():
            # Unless the run has ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(change)
                return
        change()

    def _hold(self) -> None:
        self._is_held = True
        self._pause_until(None, BY_HAND)

    def _resume(self) -> None:
        self._is_held = False
        if self.state != "working":
            self._work()

    def _trip(self, breaker: Breaker, raised: Exception) -> None:
        seconds = breaker.seconds(self._pauses)
        self._pauses += 1
        what = "one that was tried" if self.state == "trying" else f"{breaker.most} of the last"
        if self.state != "trying":
            what += f" {breaker.of} batches"
        self._pause_for(seconds, f"{what} failed, at last by {brief(raised)}")

    def _is_too_much(self, breaker: Breaker) -> bool:
        now = self._now()
        self._batches += 1
        self._failed.append((self._batches, now))
        number, at = self._failed[0]
        is_full = len(self._failed) == breaker.most
        return is_full and number > self._batches - breaker.of and at >= now - breaker.within

    def _pause_for(self, seconds: float, reason: str) -> None:
        if not self._is_held:
            until = self._now() + seconds
            # Of what handlers meet side by side, the longest counts.
            if self.state != "paused" or self.until is None or until > self.until:
                self._seconds = seconds
                self._pause_until(until, reason)

    def _pause_until(self, until: float | None, reason: str) -> None:
        self.until, self.reason = until, reason
        self._turn("paused")
        if self._on_pause is not None:
            self._on_pause()

    def _work(self) -> None:
        self._pauses = 0
        self._failed.clear()
        self.until, self.reason = None, ""
        self._turn("working")

    def _turn(self, state: State) -> None:
        self.state = state
        self.counts = self._breaker is not None or state != "working"
        turned, self.turned = self.turned, asyncio.Event()
        turned.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _raised(error: BaseException) -> Pause | None:
    """Return the longest pause that a handler raised."""
    pauses = [leaf for leaf in leaves(error) if isinstance(leaf, Pause)]
    return max(pauses, key=lambda pause: pause.seconds, default=None)
