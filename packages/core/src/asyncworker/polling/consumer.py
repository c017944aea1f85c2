"""One route at work: read, dispatch, settle, supervise, drain."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from asyncworker.backoff import Backoff
from asyncworker.dispatch import Dispatcher
from asyncworker.errors import Invalid
from asyncworker.handling.cancellation import is_cancelled
from asyncworker.handling.redaction import told
from asyncworker.handling.repeated_failures import Failures
from asyncworker.intake.intake import Intake, Items
from asyncworker.log_fields import Subject
from asyncworker.options import Actions
from asyncworker.plural import counted
from asyncworker.polling.held import Held
from asyncworker.polling.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from asyncworker.feed import Feed
    from asyncworker.intake.rate import Key
    from asyncworker.polling.message import PolledMessage
    from asyncworker.polling.route import PolledRoute
    from asyncworker.polling.source import Source

    Message = PolledMessage[Any]

log = logging.getLogger(__name__)

HEALTHY_AFTER: Final = 5.0
"""Seconds that a source must last for the next loss to be a new one, not one of a series."""
CLOSING: Final = 3.0
"""Seconds that a source has to hear the last outcomes, however long the drain took."""
LONGEST_ID: Final = 200
"""The most characters of a message's id in a log line."""


class Consumer:
    """Keep one route reading until it is stopped.

    flush_interval: seconds; a batch goes out when its oldest message is that old.
    """

    def __init__(self, route: PolledRoute, flush_interval: float, feed: Feed) -> None:
        self._route = route
        self._activity = feed.activity(
            route.type.value, route.handler_name, route.routes, Actions.ACK.value
        )
        self._activity.waiting = self._waiting
        self._standing = Standing(route, self._activity)
        self._held = Held(route.prefetch)
        self._activity.oldest = self._held.oldest
        self._stopping = asyncio.Event()
        self._is_over = False
        self._answered = asyncio.Event()
        """Is set while no answer of a source is on its way, which may hold messages."""
        self._answered.set()
        self._failures = Failures(log, f"handler {route.handler_name}")
        self._dispatcher: Dispatcher[Message] = Dispatcher(
            route.handler, self._settle, route.concurrency, self._activity, _subject_of(route)
        )
        self._intake: Intake[Message] = Intake(
            self._dispatcher,
            route.options,
            Items(_key_of, _bytes_of, _number_of, self._refuse),
            route.delays,
            route.handler_name,
            flush_interval,
            route.prefetch,
        )

    def stop(self) -> None:
        """Have `run()` read nothing more, let running handlers end, settle, and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until `stop()`, however often the source goes away meanwhile."""
        circuit = self._route.circuit
        circuit.begin(self._on_pause)
        try:
            async with asyncio.TaskGroup() as group:
                supervising = group.create_task(self._supervise())
                try:
                    async with self._activity, self._dispatcher:
                        await self._stopping.wait()
                        self._activity.drains()
                        self._held.give_back(self._intake.withdraw())
                finally:
                    await self._end()
                    # What fails at the same moment may hide the cancellation.
                    self._is_over = True
                    supervising.cancel()
        finally:
            circuit.end()
            self._standing.end()

    async def _supervise(self) -> None:
        """Hold a source; open the next one when it is lost, after a pause."""
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while not self._is_over:
            opened_at = clock()
            try:
                async with self._route.opened(self._route) as source, asyncio.TaskGroup() as group:
                    group.create_task(self._held.tell(source))
                    if not self._stopping.is_set():
                        self._standing.works()
                    while not (self._stopping.is_set() or is_cancelled()):
                        await self._read(source)
                    if is_cancelled():
                        raise asyncio.CancelledError
            except* self._route.failures as errors:
                self._standing.waits(told(errors.exceptions[0]))
            if clock() - opened_at > HEALTHY_AFTER:
                backoff.reset()
            await backoff.wait()

    async def _read(self, source: Source) -> None:
        """Take what there is room for; of a route that was paused, one message to try."""
        circuit = self._route.circuit
        if circuit.state == "paused":
            await circuit.over()
            self._standing.turned()
        turned, tries_one = circuit.turned, circuit.state == "trying"
        room = await self._held.room()
        if self._stopping.is_set():
            return
        self._answered.clear()
        try:
            messages = await source.read(1 if tries_one else room)
            is_tried = self._take(self._held.admit(messages))
        finally:
            self._answered.set()
        if is_tried:
            await turned.wait()

    def _take(self, messages: Sequence[Message]) -> bool:
        """Put messages on their way to the handler; return whether it is to try one of them."""
        fit = [message for message in messages if self._fits(message)]
        state = "paused" if self._stopping.is_set() else self._route.circuit.state
        if state == "working":
            self._intake.extend(fit)
            return False
        tried = fit[:1] if state == "trying" else []
        self._held.give_back(fit[len(tried) :])
        return any(self._intake.try_one(message) for message in tried)

    def _fits(self, message: Message) -> bool:
        try:
            message.body = self._route.read_body(message)
        except Invalid as error:
            self._refuse(message, error)
            return False
        return True

    def _refuse(self, message: Message, error: Invalid) -> None:
        """Settle a message that no handler is given."""
        outcome = self._route.options.on_invalid
        self._held.decide([message], outcome)
        self._activity.count(message.name, outcome.value)
        log.error(
            "handler %s: a message whose %s: %s",
            self._route.handler_name,
            error,
            outcome,
            extra={"source": message.name, "message_id": message.id[:LONGEST_ID]},
        )

    def _on_pause(self) -> None:
        """Put back what no handler was given, and say why."""
        self._held.give_back(self._intake.withdraw())
        self._standing.turned()

    def _settle(self, batch: list[Message], raised: BaseException | None) -> bool:
        """Decide about a batch; return whether its outcomes are counted, as they are unusual."""
        self._held.decide(batch, self._default(raised))
        if raised is not None:
            self._failures.report(
                raised, {"messages": len(batch), "message_id": batch[0].id[:LONGEST_ID]}
            )
        elif not self._activity.counts and all(one.outcome is Actions.ACK for one in batch):
            return False
        outcomes = Counter((one.name, str(one.outcome)) for one in batch)
        for (name, outcome), number in outcomes.items():
            self._activity.count(name, outcome, number)
        return True

    def _default(self, raised: BaseException | None) -> Actions:
        """Return what becomes of messages that say nothing themselves."""
        circuit, options = self._route.circuit, self._route.options
        if isinstance(raised, Exception):
            return Actions.REQUEUE if circuit.failed(raised) else options.on_exception
        if circuit.counts:
            circuit.succeeded()
        # Cancelled, or a SystemExit: nobody knows how far it came.
        return options.on_success if raised is None else Actions.REQUEUE

    async def _end(self) -> None:
        """Have all be told that is decided, if that is possible soon."""
        self._stopping.set()
        self._held.give_back(self._intake.withdraw())
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._answered.wait()
                await self._held.all_told()
        if untold := self._held.untold:
            log.warning(
                "handler %s: %s could not be settled, and will come again",
                self._route.handler_name,
                counted(untold, "message"),
            )

    def _waiting(self) -> int:
        return self._dispatcher.waiting() + len(self._intake)


def _key_of(key: Key) -> Callable[[Message], Hashable]:
    return (lambda message: message.headers.get(key)) if isinstance(key, str) else key


def _bytes_of(message: Message) -> int:
    return len(message.raw_body)


def _number_of(_message: Message) -> int:
    # None is handled once more amid others: it goes back to its source.
    return 0


def _subject_of(route: PolledRoute) -> Subject:
    """Return what lines of a batch say: of one message which it is, of several how many."""
    handler = route.handler_name

    def fields_of(essence: tuple[int, str, str]) -> dict[str, Any]:
        messages, name, message_id = essence
        if messages > 1:
            return {"route": handler, "messages": messages}
        return {"route": handler, "source": name, "message_id": message_id}

    # Not the message: whoever keeps the context would keep its body in memory.
    return Subject(lambda batch: (len(batch), batch[0].name, batch[0].id), fields_of)
