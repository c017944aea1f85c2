"""How far a replay has come, on stderr."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

import click

from asyncworker.rabbitmq.dead.sweep import Progress

if TYPE_CHECKING:
    from types import TracebackType

EVERY: Final = 5.0
"""Seconds between two lines."""


class Meter:
    """Show progress: a bar on a terminal where rich is installed, a line now and then elsewhere.

    done: the word for what is done. `progress` is what was told last.
    """

    def __init__(self, done: str) -> None:
        self.progress = Progress()
        self._done = done
        self._stack = ExitStack()
        self._bar: Any = None
        self._task: Any = None
        self._last = monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, progress: Progress) -> None:
        """Take how far it has come."""
        self.progress = progress
        if self._bar is not None:
            done = {"total": progress.found, "completed": progress.seen}
            self._bar.update(self._task, **done, done=progress.done)
        elif monotonic() - self._last >= EVERY:
            self._last = monotonic()
            looked = f"looked at {progress.seen} of {progress.found}"
            click.echo(f"{looked}, {self._done} {progress.done}", err=True)

    def _draw(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        except ImportError:
            return
        self._bar = self._stack.enter_context(
            Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(f"{self._done} {{task.fields[done]}}"),
                console=Console(stderr=True),
                transient=True,
            )
        )
        self._task = self._bar.add_task("", total=None, done=0)
