"""Frames on a terminal, one after the other."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

import click
from rich.console import Console
from rich.live import Live

from asyncworker.cli.monitor import where
from asyncworker.cli.top.frame import frame
from asyncworker.cli.top.keys import keys
from asyncworker.cli.top.rates import Rates
from asyncworker.cli.top.source import NoSnapshot, take
from asyncworker.running.signals import stop_signals

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from rich.console import RenderableType

    from asyncworker.status import Snapshot

EVERY: Final = 1.0
"""Seconds between two frames."""
WIDTH: Final = 120
"""Columns of what is no terminal."""
QUIT: Final = (b"q", b"Q")


class Left(Exception):
    """Report a signal."""


class View:
    """Hold what a worker told last, and why it tells nothing now."""

    def __init__(self, monitor: SplitResult) -> None:
        self._monitor = monitor
        self._rates = Rates()
        self._snapshot: Snapshot | None = None

    def asked(self) -> RenderableType:
        """Return a frame of what the worker tells now, or told last."""
        problem = None
        try:
            self.ask()
        except NoSnapshot as error:
            problem = f"{error}; waiting for it"
        return frame(where(self._monitor, ""), self._snapshot, self._rates, problem)

    def ask(self) -> None:
        """Take a snapshot.

        Raises: NoSnapshot
        """
        self._snapshot = take(self._monitor)
        self._rates.note(self._snapshot)

    def shown(self) -> RenderableType:
        """Return a frame of what the worker told last."""
        return frame(where(self._monitor, ""), self._snapshot, self._rates, None)


def follow(monitor: SplitResult) -> None:
    """Show one frame after the other until a key or a signal ends that."""
    view = View(monitor)
    with (
        keys() as pressed,
        Live(screen=True, auto_refresh=False) as live,
        # Before the terminal is put back, as a signal may come meanwhile.
        suppress(Left),
        stop_signals(_leave),
    ):
        while True:
            live.update(view.asked(), refresh=True)
            if pressed(EVERY) in QUIT:
                return


def print_once(monitor: SplitResult) -> None:
    """Print one frame: of two snapshots, as there would be no rates otherwise.

    Raises: NoSnapshot
    """
    view = View(monitor)
    view.ask()
    time.sleep(EVERY)
    view.ask()
    console = Console(width=WIDTH)
    with console.capture() as printed:
        console.print(view.shown())
    # Tables end all their lines at the same column.
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def _leave(_number: int, _frame: object) -> NoReturn:
    raise Left
