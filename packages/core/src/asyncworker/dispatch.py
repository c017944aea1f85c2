"""Handlers run over batches, with bounded concurrency."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.handling.context_steps import stepped
from asyncworker.handling.redaction import brief
from asyncworker.handling.return_values import log_returned
from asyncworker.handling.uncancellable import CANCEL_GRACE, abandon_unresponsive, log_abandoned
from asyncworker.handling.user_errors import raised_by_users
from asyncworker.log_fields import VARIABLES, Subject, begin, set_essence
from asyncworker.plural import counted
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from asyncworker.feed.activity import Activity

__all__ = ["Dispatcher"]

T = TypeVar("T")
Settle: TypeAlias = Callable[[list[T], BaseException | None], bool | None]

log = logging.getLogger(__name__)


class Dispatcher(Generic[T]):
    """Run a handler over batches, up to `concurrency` of them side by side.

    settle: takes each batch with what its handler raised, or with None; returns whether it has told
    the activity of its outcomes, as they are not just the usual one. activity: is told of batches,
    where anybody wants to know.
    subject: tells what lines say that are logged while a batch is handled; without it, the name of
    the handler.

    Worker tasks take batch after batch. Others are called only while something is ready, a few on
    each turn of the loop: where handlers never wait, one worker does nearly everything; where they
    do, the next batch starts on the next turn.

    Each call of the handler finds the context variables as they were when the dispatcher was made,
    whatever other calls have set.

    As an `async with` it owns them: leaving it lets running handlers end; leaving it by an
    exception, or cancelling that wait, cancels them.
    """

    def __init__(
        self,
        handler: Callable[[list[T]], Awaitable[Any]],
        settle: Settle[T],
        concurrency: int,
        activity: Activity | None = None,
        subject: Subject | None = None,
    ) -> None:
        self._handler = handler
        self.settle: Settle[T] = settle
        self.concurrency: int = concurrency
        self.on_idle: Callable[[], None] | None = None
        """Called when a worker has nothing to do, as one that stands before it may have."""
        self._activity = activity
        self._recording = None if activity is None else activity.recording
        self._began: dict[asyncio.Task[Any] | None, float] = {}
        if activity is not None and activity.recording is not None:
            activity.running = self.running_since
        self._essence_of, fields_of = subject or Subject.always(route=name_of(handler))
        self._context = copy_context()
        self._context.run(begin, fields_of)
        self._size = len(self._context)
        self._variables = tuple(
            (variable, value)
            for variable, value in self._context.items()
            if variable not in VARIABLES
        )
        self._sets_variables = False
        self._logged_types: set[type] = set()
        self._ready: deque[list[T]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._running: dict[asyncio.Task[Any] | None, list[T]] = {}
        self._taken = asyncio.Event()
        self._is_awaited = False
        self._is_called = False
        self._draining = False
        self._cancelling = False

    async def __aenter__(self) -> Dispatcher[T]:
        return self

    async def __aexit__(self, raised: type[BaseException] | None, *_: object) -> None:
        if raised is None:
            await self.drain()
        else:
            await self._cancel()

    def submit(self, batch: list[T]) -> None:
        """Hand a batch to an idle worker, to a new one, or to whichever is free first."""
        self._ready.append(batch)
        if not self._is_called:
            self._call()

    def submit_all(self, batches: list[list[T]]) -> None:
        """Hand over batches, in their order; for many that takes less than one by one."""
        if batches:
            self.submit(batches[0])
            self._ready += batches[1:]

    def submit_first(self, batches: list[list[T]]) -> None:
        """Hand over batches, in their order, before all that wait for a worker."""
        self._ready.extendleft(reversed(batches))
        if not self._is_called:
            self._call()

    async def room(self) -> None:
        """Wait until fewer batches wait for a worker than there may be workers."""
        while len(self._ready) >= self.concurrency:
            await self.taken()

    def moved(self) -> None:
        """Have those look again who wait for something to be taken."""
        self._taken.set()

    async def taken(self) -> None:
        """Wait until a worker takes a batch, or all are withdrawn."""
        self._is_awaited = True
        self._taken.clear()
        await self._taken.wait()

    def withdraw(self) -> list[list[T]]:
        """Return the batches that no handler was given yet, and forget them."""
        batches = list(self._ready)
        self._ready.clear()
        self._taken.set()
        return batches

    def unsettled(self) -> int:
        """Return how many batches wait for a worker, or are with one."""
        return len(self._ready) + len(self._running)

    def running(self) -> list[T]:
        """Return the items that handlers were given and are not done with."""
        return [item for batch in self._running.values() for item in batch]

    def running_since(self) -> dict[asyncio.Task[Any] | None, tuple[float, int]]:
        """Return when each worker began that is at a batch, and with how many items."""
        return {
            worker: (self._began[worker], len(batch)) for worker, batch in self._running.items()
        }

    def waiting(self) -> int:
        """Return how many items wait for a worker."""
        return sum(map(len, self._ready))

    async def drain(self) -> None:
        """Wait until every batch submitted so far is handled; cancelled, cancel the handlers."""
        self._draining = True
        while self._idle:
            self._wake(self._idle.pop())
        try:
            while self._workers:
                await asyncio.wait(self._workers)
        finally:
            await self._cancel()

    def _call(self) -> None:
        """Have a worker come on the next turn of the loop, and a second one if that may help.

        Each that comes calls others before its handler can wait, so that soon all are at work.
        """
        for _ in range(min(2, len(self._ready))):
            if self._idle:
                self._wake(self._idle.pop())
                self._is_called = True
            else:
                self._employ()

    def _employ(self) -> None:
        """Start a worker, if there is work for it and fewer than may be."""
        if self._ready and not self._cancelling and len(self._workers) < self.concurrency:
            # Whoever submits or calls may be in the midst of another batch's handler.
            start = asyncio.get_running_loop().create_task
            worker = self._context.copy().run(start, self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._on_end)
            self._is_called = True

    def _on_end(self, worker: asyncio.Task[None]) -> None:
        """Replace a worker that a cancellation, a failed settle or a set variable has ended."""
        self._workers.discard(worker)
        self._began.pop(worker, None)
        # It may be the one that was called.
        self._is_called = False
        if not worker.cancelled() and (error := worker.exception()) is not None:
            exc_info = raised_by_users(error)
            log.error("a batch could not be settled: %s", brief(error), exc_info=exc_info)
        self._employ()
        if self.on_idle is not None:
            self.on_idle()

    async def _work(self) -> None:  # noqa: C901 (a call of its own would cost every batch)
        worker = asyncio.current_task()
        ready, running, handle, size = self._ready, self._running, self._handle, self._size
        recording, starts, clock = self._recording, self._began, time.perf_counter
        if recording is not None:
            bulks, seconds = recording.bulks, recording.seconds
            add_began, add_seconds = recording.began.append, seconds.append
        while True:
            self._is_called = False
            if recording is not None:
                began = clock()
            while ready and not self._cancelling:
                running[worker] = batch = ready.popleft()
                if self._is_awaited:
                    self._is_awaited = False
                    self._taken.set()
                if ready and not self._is_called:
                    self._call()
                if recording is not None:
                    starts[worker] = began
                    items = len(batch)
                call = handle(batch)
                try:
                    await (stepped(call, self._context.copy()) if self._sets_variables else call)
                finally:
                    # Both, or a worker would keep the batch in memory until it has the next.
                    del running[worker], batch, call
                if recording is not None:
                    if items != 1:
                        bulks[len(seconds)] = items
                    add_began(began)
                    ended = clock()
                    add_seconds(ended - began)
                    # The next one begins now: to ask for the time once more is not for nothing.
                    began = ended
                if len(copy_context()) != size or (self._variables and self._is_any_changed()):
                    # Only a new task is sure to have none of that. The next calls get contexts of
                    # their own, which costs handlers too much that set nothing.
                    self._sets_variables = True
                    return
            if self._draining:
                return
            await self._next_batch()

    async def _handle(self, batch: list[T]) -> None:
        raised: BaseException | None = None
        try:
            set_essence(self._essence_of(batch))
            # A list of its own: users may empty theirs, and all of it is to be settled.
            returned = await self._handler(batch.copy())
            if returned is not None and type(returned) not in self._logged_types:
                self._logged_types.add(type(returned))
                log_returned(self._handler, returned)
        except asyncio.CancelledError as error:
            if is_cancelled_from_outside(error):
                self.settle(batch, error)
                raise
            raised = error
        except BaseException as error:
            if not self._runs_here():
                raise
            # Users' code: even its SystemExit must neither stop the loop nor lose the batch.
            raised = error
        if self.settle(batch, raised) and self._activity is not None:
            self._activity.counted(raised)

    def _is_any_changed(self) -> bool:
        """Tell whether a handler has set a variable of the start anew; what it has reset is not."""
        for variable, value in self._variables:  # noqa: SIM110 (any() takes twice as long)
            # By identity: what a class takes for equal may still be another's.
            if variable.get() is not value:
                return True
        return False

    async def _next_batch(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiting)
        if self.on_idle is not None:
            self.on_idle()
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting in self._idle:
                self._idle.remove(waiting)
            raise

    def _runs_here(self) -> bool:
        """Tell a worker that runs from an abandoned one that is thrown away with its loop."""
        try:
            return asyncio.current_task() in self._workers
        except RuntimeError:
            return False

    @staticmethod
    def _wake(waiting: asyncio.Future[None]) -> None:
        if not waiting.done():
            waiting.set_result(None)

    async def _cancel(self) -> None:
        self._draining = self._cancelling = True
        for worker in self._workers:
            worker.cancel()
        if unresponsive := await abandon_unresponsive(self._workers, CANCEL_GRACE):
            log_abandoned(log, counted(len(unresponsive), "handler"))
