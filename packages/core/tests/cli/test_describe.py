"""`asyncworker describe`: an app as a document, and what became of it since."""

import json

import pytest

from packages.core.tests.cli.shop import APP, invoke


@pytest.fixture
def written(module, tmp_path):
    """The module `shop`, and its document in `told.json`."""
    module(APP)
    result = invoke("describe", "shop", "-o", "told.json")
    assert (result.exit_code, result.output) == (0, "")
    return tmp_path / "told.json"


def test_a_document_is_printed(module):
    module(f'"""Sells tea."""\n{APP}')
    result = invoke("describe", "shop")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "shop", "version": "0.0.0", "description": "Sells tea."}
    assert list(document["operations"]) == ["handle.orders", "handle.refunds", "follow.events"]


def test_what_it_is_called_can_be_said(module):
    module(APP)
    result = invoke("describe", "shop", "--title", "Shop", "--version", "2", "--format", "openapi")
    document = json.loads(result.stdout)
    assert document == {"openapi": "3.1.0", "info": {"title": "Shop", "version": "2"}, "paths": {}}


def test_a_file_is_replaced_as_a_whole_or_not_at_all(written, tmp_path, module):
    before = written.read_text()
    assert invoke("describe", "shop", "-o", "told.json").exit_code == 0
    assert written.read_text() == before
    module("raise ValueError", "broken.py")
    assert invoke("describe", "broken", "-o", "told.json").exit_code == 1
    assert written.read_text() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".__atomic")]


def test_a_folder_that_is_not_there_is_one_line(module):
    module(APP)
    result = invoke("describe", "shop", "-o", "missing/told.json")
    assert result.exit_code != 0
    assert (
        result.stderr
        == "Error: Could not open file 'missing/told.json': No such file or directory\n"
    )


def test_an_app_that_did_not_change_breaks_nobody(written):
    result = invoke("describe", "shop", "--against", "told.json")
    assert (result.exit_code, result.output) == (0, "ok, nothing breaks\n")


def test_what_breaks_is_named_and_what_does_not_is_a_note(written, module):
    changed = APP.replace('"refunds"', '"returns"')
    module(f"{changed}\n", "other.py")
    result = invoke("describe", "other", "--against", "told.json")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "receive from 'refunds': is gone",
        "note: receive from 'returns': is new",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "told.json is no JSON: "), ("{}", "told.json holds no document of AsyncAPI or OpenAPI")],
)
def test_a_file_without_a_document_is_a_wrong_command_line(written, text, reason):
    written.write_text(text)
    result = invoke("describe", "shop", "--against", "told.json")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {reason}")
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_a_wrong_command_line(written):
    result = invoke("describe", "shop", "--against", "other.json")
    assert result.stderr == "Error: cannot read other.json: No such file or directory\n"
    assert result.exit_code == 2


def test_the_format_is_that_of_the_file(written):
    result = invoke("describe", "shop", "--against", "told.json", "--format", "openapi")
    assert "--against has the format of its file: leave --format out" in result.stderr
    assert result.exit_code == 2
