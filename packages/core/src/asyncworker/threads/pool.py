"""Threads that a process need not wait for when it ends."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from asyncworker.handling.unfinished import frames_of_thread, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    Outcome = tuple[Any, BaseException | None]

log = logging.getLogger(__name__)

IDLE: Final = 10.0
"""Seconds after which a thread ends that has nothing to do."""
GRACE: Final = 0.1
"""Seconds that a cancelled call has to return; less than whoever cancels a task waits for it."""
MOST_ABANDONED: Final = 100
"""Abandoned threads of one function, beyond which no further one is started."""
END: Final = 1.0
"""Seconds that threads without work have to end, when a run does."""


@dataclass(eq=False, slots=True)
class Job:
    """Hold one call, and the future that its outcome goes to."""

    call: Callable[[], Any]
    outcome: asyncio.Future[Outcome]
    worker: Worker | None = None
    is_abandoned: bool = False
    is_done: bool = False


@dataclass(eq=False, slots=True)
class Worker:
    """Hold one thread, and what it is to do next: a job, or to end."""

    jobs: SimpleQueue[Job | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None


class Pool:
    """Call one function in threads of its own: daemons, which nobody waits for at exit.

    A thread without work takes the next call before another one is started. One that is abandoned
    leaves its place to another, as long as there are not too many.

    subject: what logs call the function. limit: the most calls side by side; others wait.
    """

    def __init__(self, subject: str, limit: float = math.inf) -> None:
        self._subject = subject
        self._limit = limit
        # All below is changed under it, by the event loop and by the threads.
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._running = 0
        self._abandoned = 0
        self._is_ended = False

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns in a thread; context variables go there and come back.

        Cancelled, it withdraws a call that has not begun. One that has is abandoned when it does
        not end within `GRACE` seconds: nothing can end a thread. Raises what the function raises.
        """
        context = copy_context()
        call = partial(context.run, function, *args, **kwargs)
        job = Job(call, asyncio.get_running_loop().create_future())
        with self._lock:
            self._is_ended = False
            self._waiting.append(job)
            try:
                self._begin_waiting()
            except RuntimeError:
                # No thread can be started now.
                if job.worker is None:
                    self._waiting.remove(job)
                    raise
        try:
            value, raised = await job.outcome
        except asyncio.CancelledError:
            if self._withdraw(job):
                raise
            try:
                await asyncio.wait([job.outcome], timeout=GRACE)
            finally:
                self._abandon(job)
            raise
        _take_over(context)
        if raised is not None:
            raise raised
        return value

    def end(self) -> None:
        """End the threads that have nothing to do; those of abandoned calls end when these do."""
        with self._lock:
            self._is_ended = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.jobs.put(None)
        for worker in idle:
            if worker.thread is not None:
                worker.thread.join(END)

    @property
    def _has_room(self) -> bool:
        return self._running < self._limit and self._abandoned < MOST_ABANDONED

    def _begin_waiting(self) -> None:
        """Hand what waits to threads; raise RuntimeError when none can be started."""
        while self._waiting and self._has_room:
            worker = self._idle.pop() if self._idle else self._started()
            job = self._waiting.popleft()
            job.worker = worker
            self._running += 1
            worker.jobs.put(job)

    def _started(self) -> Worker:
        worker = Worker()
        name = f"asyncworker-plain {self._subject}"
        worker.thread = threading.Thread(target=self._work, args=[worker], name=name, daemon=True)
        worker.thread.start()
        return worker

    def _withdraw(self, job: Job) -> bool:
        """Take back a job that has not begun; tell whether nothing of it is left to wait for."""
        with self._lock:
            if job.worker is None:
                self._waiting.remove(job)
                return True
            if not job.is_done:
                job.outcome = job.outcome.get_loop().create_future()
            return job.is_done

    def _abandon(self, job: Job) -> None:
        """Leave a job to itself that has not ended."""
        with self._lock:
            if job.is_done:
                return
            job.is_abandoned = True
            self._running -= 1
            self._abandoned += 1
            is_last = self._abandoned == MOST_ABANDONED
            with suppress(RuntimeError):
                # The next thread that returns takes what waits.
                self._begin_waiting()
        self._log_abandoned(job.worker)
        if is_last:
            log.error("%s: too many threads are abandoned, its calls wait", self._subject)

    def _log_abandoned(self, worker: Worker | None) -> None:
        thread = None if worker is None else worker.thread
        ident = None if thread is None else thread.ident
        stands = None if ident is None else place(frames_of_thread(ident))
        extra = {"stood_at": [] if stands is None else [stands]}
        log.error("%s does not return: its thread is abandoned", self._subject, extra=extra)

    def _work(self, worker: Worker) -> None:
        while (job := self._next(worker)) is not None:
            outcome = _outcome_of(job.call)
            self._done(worker, job)
            with suppress(RuntimeError):
                # Its loop is closed: nobody waits.
                job.outcome.get_loop().call_soon_threadsafe(_tell, job.outcome, outcome)
            # Or it would keep a batch in memory until it has the next.
            del job, outcome

    def _next(self, worker: Worker) -> Job | None:
        """Wait for work, or for the end."""
        try:
            return worker.jobs.get(timeout=IDLE)
        except Empty:
            with self._lock:
                if worker in self._idle:
                    self._idle.remove(worker)
                    return None
            # Given in this moment.
            return worker.jobs.get()

    def _done(self, worker: Worker, job: Job) -> None:
        """Be ready for the next call, before anybody learns that this one has returned."""
        with self._lock:
            job.is_done = True
            if job.is_abandoned:
                self._abandoned -= 1
            else:
                self._running -= 1
            if self._is_ended:
                worker.jobs.put(None)
                return
            self._idle.append(worker)
            with suppress(RuntimeError):
                # This one has its work, and takes the rest after that.
                self._begin_waiting()


def _take_over(context: Context) -> None:
    """Set what was set in another context."""
    for variable, value in context.items():
        if variable.get(context) is not value:
            variable.set(value)


def _outcome_of(call: Callable[[], Any]) -> Outcome:
    """Return what a call returns, and what it raises: not even SystemExit may end the thread."""
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 (as the docstring says)
        # What it shows begins with the function of the user.
        trace = error.__traceback__
        return None, error.with_traceback(None if trace is None else trace.tb_next)


def _tell(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
