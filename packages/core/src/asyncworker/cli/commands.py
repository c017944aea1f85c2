"""The commands of `asyncworker`: its own, and those that installed distributions bring."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from asyncworker.cli.failures import one_line
from asyncworker.cli.target import modules_in
from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from click.shell_completion import CompletionItem

ENTRY_POINT_GROUP: Final = "asyncworker.commands"


def _complete_target(_context: object, _parameter: object, typed: str) -> list[CompletionItem]:
    """Offer the modules of the current directory."""
    names = [name for name in modules_in([str(Path.cwd())]) if name.startswith(typed)]
    return [click.shell_completion.CompletionItem(name) for name in names]


target_argument = click.argument("target", shell_complete=_complete_target)
"""The argument TARGET, as text for `parse_target()`."""


class Commands(click.Group):
    """Have the commands of the entry points of `asyncworker.commands` beside its own.

    Each is a click command under its name, loaded when it is called or its help is shown; our own
    come first. What any of them raises of `AsyncWorkerError` is one line.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in their order."""
        return sorted({*super().list_commands(ctx), *_brought()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        entry_point = _brought().get(cmd_name)
        return None if entry_point is None else _loaded(entry_point)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with one_line():
            return super().invoke(ctx)


def _brought() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=ENTRY_POINT_GROUP)}


def _loaded(entry_point: EntryPoint) -> click.Command:
    """Return what an entry point stands for, or a command that tells why it does not work.

    A broken one must not keep the others from being shown.
    """
    try:
        loaded = entry_point.load()
    except Exception as error:  # noqa: BLE001 (a module of a third party may fail in its own ways)
        return _broken(entry_point, f"{type(error).__name__}: {error}")
    if not isinstance(loaded, click.Command):
        return _broken(entry_point, f"{loaded!r} is no command of click")
    return loaded


def _broken(entry_point: EntryPoint, reason: str) -> click.Command:
    by = "" if entry_point.dist is None else f" of {entry_point.dist.name}"
    problem = f"command {entry_point.name!r}{by} cannot be loaded: {reason}"

    @click.command(
        entry_point.name,
        short_help=f"(cannot be loaded: {reason})",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
    def broken() -> None:
        raise AsyncWorkerError(problem)

    return broken
