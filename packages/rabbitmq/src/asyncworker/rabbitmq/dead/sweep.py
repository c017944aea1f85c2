"""One pass over a queue of dead letters: each is looked at once, and goes, or stays."""

from __future__ import annotations

import asyncio
from asyncio import FIRST_COMPLETED
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from asyncworker.rabbitmq.dead.copies import kept
from asyncworker.rabbitmq.dead.letter import read_letter
from asyncworker.rabbitmq.errors import Unroutable
from asyncworker.rabbitmq.retrying.attempts import limited_count_of
from asyncworker.rabbitmq.retrying.delivery_limit import KEPT_FROM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asyncworker.rabbitmq.dead.letter import DeadLetter
    from asyncworker.rabbitmq.dead.scan import Delivery, Scan
    from asyncworker.rabbitmq.errors import PublishError
    from asyncworker.rabbitmq.publishing.publisher import Publisher
    from asyncworker.rabbitmq.topology import Queue
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

LOT: Final = 100
"""Messages that are published and settled together."""
LOT_BYTES: Final = 4 * 2**20
PUBLISH_TIMEOUT: Final = 30.0
"""Seconds that the broker has to take a lot."""
LOTS_A_SECOND: Final = 5
"""Where there is a rate: it is kept from lot to lot."""
TWICE: Final = "published, and may be in the dead-letter queue as well: the channel was lost"
UNKNOWN: Final = "in the dead-letter queue, and perhaps published as well: the channel was lost"


class Fate(NamedTuple):
    """Say what becomes of a dead letter.

    is_chosen: whether it counts as one that was meant. leaves: whether its queue is to lose it; if
    there is a copy, once that is confirmed. problem: why one that was chosen stays.
    """

    is_chosen: bool = False
    leaves: bool = False
    copy: Outgoing | None = None
    problem: str = ""


STAYS: Final = Fate()


@dataclass(frozen=True, slots=True)
class Progress:
    """Tell how far a replay or a drop has come.

    found: how many dead letters the queue held at its start. seen: how many of them were looked at.
    chosen: how many of these were meant. done: how many of those were replayed, or dropped.
    to: how many went where, by queue; with dry_run how many would. left: how many of the chosen
    stay, by the reason.
    """

    found: int = 0
    seen: int = 0
    chosen: int = 0
    done: int = 0
    to: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)


class _Leaving(NamedTuple):
    delivery: Delivery
    letter: DeadLetter
    copy: Outgoing | None
    is_chosen: bool


def keeps_from(declared: Queue | None) -> int:
    """Return the count of returns from which on a dead letter is kept alive by a copy.

    A limit that the app declares may be lower than the broker's own.
    """
    stated = None if declared is None else declared.stated_limit
    return KEPT_FROM if stated is None or stated < 0 else min(KEPT_FROM, max(1, stated // 2))


class Sweep:
    """Look at each message of a scan, and do with it what is decided.

    A copy is confirmed before its original is acknowledged, a lot at a time; a lot that has begun
    is brought to its end when the sweep is cancelled. What stays goes back as the scan ends. A
    quorum queue may count that, and drop what comes back often: before that, a copy goes to the
    queue's end, where it counts as new.

    rate: messages a second that leave, the most; None for any number.
    """

    def __init__(
        self,
        scan: Scan,
        publisher: Publisher,
        queue: str,
        *,
        found: int,
        kept_from: int,
        rate: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._scan = scan
        self._publisher = publisher
        self._queue = queue
        self._found = found
        self._kept_from = kept_from
        self._rate = rate
        self._on_progress = on_progress
        self._size = LOT if rate is None else max(1, min(LOT, int(rate / LOTS_A_SECOND)))
        self._seen = self._chosen = self._done = self._left_at_rate = 0
        self._to: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._missing: dict[str, str] = {}
        self._lot: list[_Leaving] = []
        self._bytes = 0
        self._began = asyncio.get_running_loop().time()

    @property
    def progress(self) -> Progress:
        """Return how far it has come."""
        return Progress(
            self._found,
            self._seen,
            self._chosen,
            self._done,
            dict(self._to),
            dict(self._problems),
        )

    async def run(
        self, decide: Callable[[DeadLetter, datetime], Fate], limit: int | None = None
    ) -> Progress:
        """Go on to the end, or until so many are chosen.

        Raises: BrokerError
        """
        now = datetime.now(UTC)
        try:
            while self._chosen != limit and (delivery := await self._scan.next()) is not None:
                self._look_at(delivery, decide, now)
                if self._is_due or self._chosen == limit:
                    await self._send()
                    await self._wait()
                if not self._scan.has_next:
                    self._tell()
        finally:
            self._tell()
        return self.progress

    def _look_at(
        self, delivery: Delivery, decide: Callable[[DeadLetter, datetime], Fate], now: datetime
    ) -> None:
        letter = read_letter(delivery.properties, delivery.body)
        fate = decide(letter, now)
        self._seen += 1
        self._chosen += fate.is_chosen
        problem = fate.problem
        if fate.copy is not None and not problem:
            problem = self._missing.get(fate.copy.routing_key, "")
        if problem:
            self._problems[problem] += 1
        elif fate.leaves:
            self._add(_Leaving(delivery, letter, fate.copy, fate.is_chosen))
            return
        elif fate.copy is not None:
            self._to[fate.copy.routing_key] += 1
        self._stay(delivery, letter)

    def _stay(self, delivery: Delivery, letter: DeadLetter) -> None:
        """Have a message held, or kept alive in another way if it has come back too often."""
        if limited_count_of(delivery.properties) >= self._kept_from:
            try:
                copy = kept(letter, self._queue)
            except (ValueError, IndexError):
                # Its headers are no table that could be written anew.
                return
            self._add(_Leaving(delivery, letter, copy, is_chosen=False))

    def _add(self, leaving: _Leaving) -> None:
        self._lot.append(leaving)
        if leaving.copy is not None:
            self._bytes += len(leaving.copy.body)

    @property
    def _is_due(self) -> bool:
        """Tell whether what is to leave must go now: the scan brings no more before."""
        is_full = len(self._lot) >= self._size or self._bytes >= LOT_BYTES
        return bool(self._lot) and (is_full or not self._scan.has_next)

    async def _send(self) -> None:
        """Publish and settle what is to leave, and what turns out to have to be kept alive."""
        while self._lot:
            lot, self._lot, self._bytes = self._lot, [], 0
            self._settle(lot, await self._outcomes(lot))

    async def _outcomes(self, lot: list[_Leaving]) -> list[PublishError | None]:
        """Publish the copies of a lot, and return what became of them.

        A cancellation is heeded when that is known, and settled: the next one ends it at once.
        """
        copies = [one.copy for one in lot if one.copy is not None]
        if not copies:
            return []
        publishing = asyncio.ensure_future(self._publisher.publish_many(copies, PUBLISH_TIMEOUT))
        try:
            await asyncio.wait((publishing, self._scan.failed), return_when=FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._settle(lot, await publishing)
            raise
        if not publishing.done():
            # Nothing can be acknowledged any more.
            publishing.cancel()
            await asyncio.wait((publishing,))
            self._problems[UNKNOWN] += sum(one.is_chosen for one in lot)
            self._scan.failed.result()
        return publishing.result()

    def _settle(self, lot: Sequence[_Leaving], errors: Sequence[PublishError | None]) -> None:
        results = iter(errors)
        for one in lot:
            error = None if one.copy is None else next(results)
            if error is None:
                self._leave(one)
            elif one.is_chosen:
                self._note(one, error)
                self._stay(one.delivery, one.letter)

    def _leave(self, one: _Leaving) -> None:
        hold = one.delivery.hold
        is_lost = hold.channel.is_lost
        if not is_lost:
            hold.acknowledge(one.delivery.tag)
        if not one.is_chosen:
            return
        self._left_at_rate += 1
        if is_lost:
            self._problems[TWICE] += 1
            return
        self._done += 1
        if one.copy is not None:
            self._to[one.copy.routing_key] += 1

    def _note(self, one: _Leaving, error: PublishError) -> None:
        queue = "" if one.copy is None else one.copy.routing_key
        reason = str(error)
        if isinstance(error, Unroutable):
            reason = self._missing[queue] = f"queue {queue!r} does not exist"
        self._problems[reason] += 1

    async def _wait(self) -> None:
        if self._rate is not None:
            due = self._began + self._left_at_rate / self._rate
            await asyncio.sleep(due - asyncio.get_running_loop().time())

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.progress)
