"""The page of the command line tells of every command and every option."""

import re
from pathlib import Path

import pytest

from asyncworker.cli.command import main
from scripts.pages.commands import command, commands

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"


def test_every_command_is_on_the_page():
    on_page = re.findall(r"^<!-- command: (.+) -->$", PAGE.read_text(), re.MULTILINE)
    assert on_page == list(commands())
    assert [name.partition(" ")[2] for name in on_page[1:]] == list(main.commands)


@pytest.mark.parametrize("path", commands())
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_every_option_that_users_see_is_told(path, language, caplog):
    text = command(path, language)
    options = [one for one in commands()[path].params if getattr(one, "help", None)]
    for option in options:
        assert (f"`{option.opts[-1]}`" in text) is not option.hidden
    assert caplog.messages == []


def test_an_option_is_told_with_what_it_takes():
    assert "| `--workers` | Run N processes" in command("asyncworker run", "en")
    assert "| `--loop` | Set ASYNCWORKER_LOOP. | `asyncio`, `uvloop` |\n" in command(
        "asyncworker run", "en"
    )
    timeout = "| `--timeout` | Seconds for all connections together. | `float` > 0 | `20` |"
    assert timeout in command("asyncworker check", "en")
    assert "| name | what it is |\n" in command("asyncworker", "en")
    assert command("asyncworker new", "en").startswith("```text\nasyncworker new [OPTIONS] NAME\n")
