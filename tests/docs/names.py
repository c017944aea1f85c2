"""What a page names: whether there is such a thing."""

import re
import shlex
from collections.abc import Iterator

import click

from asyncworker.cli.command import main
from tests.docs.installing import unknown_requirements, unknown_scripts
from tests.docs.settings import unknown_settings, wrong_settings

ASSIGNMENT = re.compile(r"\w+=.*")
HELP = {"--help", "-h", "--version"}
OPERATOR = re.compile(r"[;&|<>()]+")


def wrong_names(text: str, *, values: bool = True) -> Iterator[tuple[int, str]]:
    """Return what a text names that does not exist, each with its line, counted from 1.

    values: whether to look at those of settings, too.
    """
    yield from unknown_settings(text)
    if values:
        yield from wrong_settings(text)
    yield from unknown_requirements(text)
    yield from unknown_scripts(text)


def wrong_usage(command: str) -> str | None:
    """Return what is wrong about how a command calls `asyncworker`, without running it."""
    for words in _simple_commands(command):
        while words and ASSIGNMENT.fullmatch(words[0]):
            del words[0]
        if words[:1] == ["asyncworker"] and not HELP & set(words):
            try:
                _parse(words[1:])
            except click.ClickException as error:
                return f"{command}: {error.format_message()}"
    return None


def _parse(words: list[str], group: click.Group = main) -> None:
    name = words[0] if words else "nothing"
    command = group.get_command(click.Context(group), name)
    if command is None:
        raise click.UsageError(f"there is no command {name!r}")
    if isinstance(command, click.Group):
        _parse(words[1:], command)
    else:
        command.make_context(name, words[1:]).close()


def _simple_commands(command: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if OPERATOR.fullmatch(word):
            yield words
            words = []
        else:
            words.append(word)
    yield words
