"""What the page of the command line takes from the command itself."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

import click

from asyncworker.cli.command import main
from scripts.pages.catalogue import translated
from scripts.pages.tables import Row, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "asyncworker"
KINDS: Final = {
    "integer": "int",
    "float": "float",
    "path": "str",
    "filename": "str",
    "text": "str",
}


def commands() -> dict[str, click.Command]:
    """Return the command and its subcommands, by what users write."""
    return {NAME: main, **{f"{NAME} {name}": one for name, one in main.commands.items()}}


def command(path: str, language: str) -> str:
    """Return how a command is called, what it does and which options it has.

    path: `asyncworker run`.
    """
    subject = commands()[path]
    context = subject.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *subject.collect_usage_pieces(context)])
    text = translated(path, cleandoc(subject.help or ""), language)
    parts = [f"```text\n{usage}\n```", text]
    options = list(_options(subject, context))
    if options:
        about = {
            option.opts[-1]: translated(f"{path} {option.opts[-1]}", option.help or "", language)
            for option in options
        }
        parts.append(markdown(list(map(_row, options)), about, language))
    return "\n\n".join(parts)


def _options(subject: click.Command, context: click.Context) -> Iterator[click.Option]:
    """Return the options that users see; `--help`, which all have, at the command itself."""
    for option in subject.get_params(context) if subject is main else subject.params:
        if isinstance(option, click.Option) and not option.hidden:
            yield option


def _row(option: click.Option) -> Row:
    names = ", ".join(f"`{name}`" for name in option.opts)
    default = f"`{option.default:g}`" if option.show_default else ""
    return Row(option.opts[-1], names, "" if option.is_flag else _values(option.type), default)


def _values(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return ", ".join(f"`{one}`" for one in kind.choices)
    values = f"`{KINDS[kind.name.removesuffix(' range')]}`"
    if isinstance(kind, click.IntRange | click.FloatRange) and kind.min is not None:
        values += f" {'>' if kind.min_open else '≥'} {kind.min:g}"
    return values
