"""Tests of an app: its hooks and routes run for real, brokers and servers are the test's own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, runtime_checkable

from asyncworker.backend import load_backend
from asyncworker.errors import AsyncWorkerError, ConfigurationError, DrainTimeout, nearest
from asyncworker.middleware.chain import surrounded
from asyncworker.parameters.signature import shown
from asyncworker.plural import counted
from asyncworker.resources import Resource
from asyncworker.testing.journal import Journal, watched
from asyncworker.testing.polled import PolledStand, polled_stand
from asyncworker.testing.stopped_clock import StoppedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType

    from aiohttp import ClientSession

    from asyncworker.app import App
    from asyncworker.http.testing import Answer
    from asyncworker.rabbitmq.dead import DeadQueue
    from asyncworker.rabbitmq.testing import Delivery, QueueView
    from asyncworker.route_types import RouteType
    from asyncworker.routes import Route
    from asyncworker.sse.event import SSEEvent

__all__ = [
    "Journal",
    "NotIdle",
    "PolledStand",
    "Stand",
    "TestApp",
    "Testing",
    "polled_stand",
    "watched",
]

TIMEOUT: Final = 10.0
TURNS: Final = 1000
"""Turns of the loop, more than an answer takes that is in this process already."""
UNSEEN: Final = "handlers raised, and the test did not look at `errors` since then"


def _given(app: App, kind: Any, value: Any) -> Resource:
    """Return a resource that is there already.

    Raises: ConfigurationError, when the app has none of that type.
    """

    async def opening(_app: App) -> AsyncGenerator[Any]:
        yield value

    if (own := app.resource_of(kind)) is None:
        choices = ", ".join(map(shown, app.resources)) or "none"
        raise ConfigurationError(f"the app has no resource {shown(kind)}: it has {choices}")
    return Resource(kind, own.name, opening)


class NotIdle(AsyncWorkerError, TimeoutError):
    """Report work that did not come to its end in time."""


class Stand(Protocol):
    """Stand where a broker or a server is outside of tests.

    Whatever else it has in public is offered by TestApp under the same name. If it has a clock, it
    has an `async def advance(self, seconds)` that turns it, for `TestApp.advance()` to call. If
    what it stands for may deliver anything twice, it has a `deliver_twice()` that has all come so;
    and if it notices that a process dies, a `killed()` that is called then.
    """

    routes: Sequence[Route]
    """What is served in place of the app's routes of that type."""

    def busy(self) -> list[str]:
        """Return what is not settled yet, a line each."""
        ...


@runtime_checkable
class Testing(Protocol):
    """Let TestApp serve the routes of a backend; a `Backend` may have this too."""

    def testing(
        self, app: App, routes: Sequence[Any], journal: Journal
    ) -> AbstractAsyncContextManager[Stand]:
        """Point what the app uses at the stand, as long as the context lasts."""
        ...


class TestApp:
    """Run an app for a test: `async with TestApp(app) as worker:`.

    Messages come from a broker in memory, events from a scripted server, requests go to a free port
    of this machine, whatever the app's connections say. Batches go out at once, full or not. The
    clock of schedules stands still until `advance()` turns it.

    What handlers of messages and events and schedules raise fails the test in the end, unless the
    test has looked at it in `errors`.

    app: with its hooks, routes and schedules, which run for real. resources: by their types, what
    takes the place of what the app's own functions would open. twice: whether each message is
    delivered once more when it was acknowledged, as by a broker whom that did not reach.
    """

    __test__ = False

    def __init__(
        self, app: App, resources: Mapping[Any, Any] | None = None, *, twice: bool = False
    ) -> None:
        self._app = app
        self._twice = twice
        self._replaced = {one: _given(app, one, value) for one, value in (resources or {}).items()}
        self._journal = Journal()
        self._clock = StoppedClock(self._journal)
        self._stands: list[Stand] = []
        self._stack = AsyncExitStack()
        self._run = AsyncExitStack()
        self._seen = 0

    @property
    def errors(self) -> list[BaseException]:
        """Return what handlers and schedules have raised; what is looked at here fails no test."""
        self._seen = len(self._journal.errors)
        return self._journal.errors

    async def __aenter__(self) -> Self:
        self._journal = Journal()
        self._stands = []
        self._seen = 0
        async with AsyncExitStack() as stack:
            self._surround(stack)
            stack.callback(setattr, self._app, "settings", self._app.settings)
            # Nobody else looks at an app in a test.
            self._app.settings = replace(self._app.settings, monitor_port=None)
            self._clock = StoppedClock(self._journal, self._app.schedules)
            self._app.schedules[:] = self._clock.schedules
            stack.callback(self._app.resources.update, dict(self._app.resources))
            self._app.resources.update(self._replaced)
            for route_type in self._types():
                await self._add_stand(route_type, stack)
            self._run = await stack.enter_async_context(AsyncExitStack())
            await self._run.enter_async_context(self._app.started())
            await self.idle()
            await self._notice()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the app.

        Raises: ExceptionGroup of what handlers raised that nobody looked at, unless the test fails
        by itself.
        """
        await self._stack.__aexit__(kind, error, trace)
        unseen = self._journal.errors[self._seen :]
        if unseen and error is None:
            raise BaseExceptionGroup(UNSEEN, unseen)

    async def idle(self, timeout: float = TIMEOUT) -> None:
        """Wait until all that was published and fed is handled and settled, and no schedule runs.

        timeout: seconds.
        Raises: NotIdle, saying what is not.
        """
        await self._until_none(self._busy, timeout)

    async def advance(self, seconds: float) -> None:
        """Let time pass for schedules, messages and queues with a limit, delays and pauses.

        Each tick of a schedule that is passed makes a run, which ends before time goes on to the
        next one; the last ones may still run afterwards.

        seconds: how much.
        Raises: NotIdle, when runs do not end.
        """
        end = self._clock.now + timedelta(seconds=seconds)
        while (tick := await self._next_tick()) is not None and tick <= end:
            await self._until_none(self._clock.busy)
            await self._turn(tick)
        await self._turn(end)

    async def kill(self) -> None:
        """End the app in the midst, as SIGKILL ends a process, and start it anew.

        Connections break off first, so that nothing is settled any more. Handlers are cancelled
        where they stand, and no shutdown hook is called. As the process of the test goes on,
        resources are closed.
        """
        for stand in self._stands:
            if (killed := getattr(stand, "killed", None)) is not None:
                killed()
        with suppress(DrainTimeout):
            if (lifecycle := self._app._lifecycle) is not None:  # noqa: SLF001 (what only a process can)
                lifecycle.kill()
            await self._run.aclose()
        self._clock.again()
        await self._run.enter_async_context(self._app.started())
        await self._notice()

    def _surround(self, stack: AsyncExitStack) -> None:
        """Put middlewares around handlers now: what they raise is what the journal is to hold."""
        app = self._app
        lists: tuple[list[Any], ...] = (
            app.routes,
            app.schedules,
            app.middlewares,
            app.error_hooks,
        )
        for own in lists:
            stack.callback(own.__setitem__, slice(None), list(own))
        app.routes[:] = [surrounded(route, app) for route in app.routes]
        app.schedules[:] = [surrounded(schedule, app) for schedule in app.schedules]
        app.middlewares.clear()
        app.error_hooks.clear()

    async def _notice(self) -> None:
        """Let the app notice that its routes are served; what is wrong stays a problem."""
        for _ in range(TURNS):
            if not self._app.problems:
                return
            await asyncio.sleep(0)

    async def _next_tick(self) -> datetime | None:
        await self._until_none(self._clock.unready)
        return self._clock.next_tick

    async def _turn(self, now: datetime) -> None:
        """Turn all clocks to a time."""
        seconds = (now - self._clock.now).total_seconds()
        for stand in self._stands:
            if (advance := getattr(stand, "advance", None)) is not None:
                await advance(seconds)
        self._clock.turn(now)

    async def _until_none(
        self, unfinished: Callable[[], list[str]], timeout: float = TIMEOUT
    ) -> None:
        """Wait until nothing is unfinished.

        Raises: NotIdle, saying what is.
        """
        try:
            async with asyncio.timeout(timeout):
                while unfinished():
                    await self._journal.next_change()
        except TimeoutError:
            reason = "; ".join(unfinished())
            raise NotIdle(f"not idle within {timeout:g} s: {reason}") from None

    def _busy(self) -> list[str]:
        busy = [line for stand in self._stands for line in stand.busy()] + self._clock.busy()
        if self._journal.running:
            busy.append(f"{counted(self._journal.running, 'handler')} running")
        return busy

    def _types(self) -> list[RouteType]:
        """Return what the app uses, each once: it may publish where it consumes nothing."""
        used = [route.type for route in self._app.routes]
        used += [connection.route_type for connection in self._app.connections.all]
        return list(dict.fromkeys(used))

    async def _add_stand(self, route_type: RouteType, stack: AsyncExitStack) -> None:
        backend = load_backend(route_type)
        if not isinstance(backend, Testing):
            raise ConfigurationError(f"{route_type!r} routes cannot be tested: no testing() there")
        own = [route for route in self._app.routes if route.type == route_type]
        context = backend.testing(self._app, own, self._journal)
        stand = await stack.enter_async_context(context)
        if self._twice and (deliver_twice := getattr(stand, "deliver_twice", None)) is not None:
            deliver_twice()
        others = [route for route in self._app.routes if route.type != route_type]
        self._app.routes[:] = [*others, *stand.routes]
        self._stands.append(stand)

    if TYPE_CHECKING:
        # What the backends of this project offer.
        messages: list[Delivery]
        publish: Callable[..., Awaitable[None]]
        queue: Callable[..., QueueView]
        dead: Callable[..., DeadQueue]
        lose_connection: Callable[[], Awaitable[None]]
        events: list[SSEEvent]
        feed: Callable[..., Awaitable[None]]
        client: ClientSession
        request: Callable[..., Awaitable[Answer]]
    else:

        def __getattr__(self, name: str) -> Any:
            """Return what one of the stands offers."""
            for stand in self.__dict__.get("_stands", ()):
                if not name.startswith("_") and hasattr(stand, name):
                    return getattr(stand, name)
            raise AttributeError(f"TestApp has no {name!r}: {self._hint(name)}")

        def _hint(self, name: str) -> str:
            stands = self.__dict__.get("_stands", ())
            offered = {one for each in (self, *stands) for one in dir(each) if one[0] != "_"}
            near = nearest(name, offered)
            if near is not None:
                return f"did you mean {near}?"
            return (
                "either no route of the app is of the type that offers it, or the app does not run"
            )
