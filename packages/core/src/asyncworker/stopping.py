"""The end of a run, for handlers that would go on for as long as it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from asyncworker.running.lifecycle import Lifecycle

__all__ = ["Stopping"]


class Stopping:
    """Be true from the moment that the run of an app is to end, false when none is under way.

    `await app.stopping` waits for that moment, on the loop of the run; `if app.stopping:` may be
    asked from any thread.
    """

    def __init__(self, run: Callable[[], Lifecycle | None]) -> None:
        self._run = run

    def __bool__(self) -> bool:
        run = self._run()
        return run is not None and run.is_stopping

    def __await__(self) -> Generator[object, None, None]:
        return self.wait().__await__()

    async def wait(self) -> None:
        """Wait until the run is to end.

        Raises: ConfigurationError, when the app does not run.
        """
        run = self._run()
        if run is None:
            raise ConfigurationError("the app does not run: await app.stopping while it does")
        await run.stopping()

    def __repr__(self) -> str:
        return f"<Stopping: {bool(self)}>"
