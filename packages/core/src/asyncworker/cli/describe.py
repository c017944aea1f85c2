"""`asyncworker describe`: an app as a document, written or compared with an older one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from asyncworker.cli.commands import target_argument
from asyncworker.cli.failures import USAGE, fail
from asyncworker.cli.target import parse_target

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.description import Format

FORMATS: Final = ("asyncapi", "openapi")


@click.command()
@target_argument
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    help="Describe messages, or HTTP; without it messages, where the app has any.",
)
@click.option(
    "-o",
    "--output",
    # In place of what was there at once, when all of it is written.
    type=click.File("w", encoding="utf-8", atomic=True),
    default="-",
    help="Where to write it.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write nothing: compare the app with the document in FILE.",
)
@click.option("--title", help="What the app is called; its module is, without it.")
@click.option("--version", help="Which version of the app it is of.")
def describe(
    target: str,
    format: Format | None,
    output: IO[str],
    against: Path | None,
    title: str | None,
    version: str | None,
) -> None:
    """Describe what an app takes and gives, as AsyncAPI 3.0 or OpenAPI 3.1.

    It is made of routes, types and docstrings; nothing is connected to. With --against it names
    each change that breaks who sends to the app, asks it or reads what it sends, and exits with 1
    if there is any; others are printed as notes.
    """
    if against is not None:
        if format is not None:
            raise click.UsageError("--against has the format of its file: leave --format out")
        _compare(parse_target(target).load(), against)
        return
    from asyncworker.describing.documents import document, written

    app = parse_target(target).load()
    output.write(written(document(app, format, title, version)))


def _compare(app: App, file: Path) -> None:
    from asyncworker.comparing.documents import NoDocument, compared, read
    from asyncworker.describing.documents import document

    try:
        kind, old = read(file)
    except NoDocument as error:
        fail(str(error), USAGE)
    changes = compared(kind, old, document(app, kind))
    for change in changes:
        click.echo(str(change) if change.breaks else f"note: {change}")
    if any(change.breaks for change in changes):
        sys.exit(1)
    click.echo("ok, nothing breaks")
