"""How the command tells what went wrong: in one line where users did it, and by an exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import click

from asyncworker.cli.target import TargetFailed, TargetNotFound
from asyncworker.errors import AsyncWorkerError
from asyncworker.handling.user_errors import users_traceback

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE: Final = 2
"""The exit code of a command line that names nothing that is there."""


@contextmanager
def one_line() -> Iterator[None]:
    """Show what users did wrong as one line, and what their code raised as their traceback."""
    try:
        yield
    except TargetNotFound as error:
        fail(str(error), USAGE)
    except TargetFailed as error:
        if error.__cause__ is not None:
            click.echo(users_traceback(error.__cause__), err=True)
        sys.exit(1)
    except AsyncWorkerError as error:
        fail(str(error), 1)


def fail(reason: str, code: int) -> NoReturn:
    """End with a line on stderr."""
    click.echo(f"Error: {reason}", err=True)
    sys.exit(code)
