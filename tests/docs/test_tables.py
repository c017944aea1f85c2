"""No setting, option or argument of a connection is missing in the tables of the site."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import asyncworker
from asyncworker import RouteTypes
from asyncworker.backend import load_backend
from asyncworker.connections import Connection
from asyncworker.handler_options import HandlerOptions
from asyncworker.settings import Environment
from scripts.pages.tables import rows_of, table

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
TABLE = re.compile(r"^<!-- table: (\S+) -->$", re.MULTILINE)


def tables_of(page):
    return TABLE.findall((REFERENCE / page).read_text())


TABLES = tables_of("settings.md") + tables_of("options.md")


def subclasses(one):
    """All subclasses that the project has, by the names that tables go by."""
    for module in pkgutil.walk_packages(asyncworker.__path__, "asyncworker."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [one]
    for each in found:
        found += each.__subclasses__()
    names = {f"{each.__module__}.{each.__qualname__}" for each in found[1:]}
    return {name for name in names if name.startswith("asyncworker.")}


def test_all_settings_have_a_table():
    assert set(tables_of("settings.md")) == subclasses(Environment)


def test_all_options_connections_and_routes_have_a_table():
    backends = [type(load_backend(one)) for one in RouteTypes]
    routes = {f"{one.__module__}.{one.__qualname__}.route" for one in backends}
    options = {*subclasses(HandlerOptions), "asyncworker.handler_options.HandlerOptions"}
    assert set(tables_of("options.md")) == options | subclasses(Connection) | routes


@pytest.mark.parametrize("path", TABLES)
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_a_table_says_what_each_name_is(path, language, caplog):
    lines = table(path, language).splitlines()[2:]
    assert len(lines) == len(list(rows_of(pkgutil.resolve_name(path)))) > 0
    assert [line for line in lines if " |  | " in line.removesuffix("|  |")] == []
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("path", "name", "values", "default"),
    [
        ("settings.Settings", "`ASYNCWORKER_SHUTDOWN_TIMEOUT`", "`float` ≥ 0", "`20`"),
        ("settings.Settings", "`ASYNCWORKER_LOOP`", "`asyncio`, `uvloop`", "`asyncio`"),
        ("http.settings.Settings", "`ASYNCWORKER_HTTP_ACCESS_LOG`", "`true`, `false`", "`false`"),
        ("http.settings.Settings", "`ASYNCWORKER_HTTP_PORT`", "`int` ≥ 0, ≤ 65535", "`8080`"),
        ("handler_options.RouteOptions", "`Options.BULK_SIZE`", "`int` ≥ 1", "`1`"),
        ("handler_options.RouteOptions", "`Options.TIMEOUT`", "`float` > 0", "`None`"),
        ("rabbitmq.connection.AMQPConnection", "`prefetch`", "`int`", "`128`"),
        ("sse.connection.SSEConnection", "`url`", "`str`", ""),
        ("sse.connection.SSEConnection", "`ssl`", "`ssl.SSLContext`", "`None`"),
    ],
)
def test_a_row_says_what_a_value_may_be_and_what_it_is_by_default(path, name, values, default):
    rows = {row.name: row for row in rows_of(pkgutil.resolve_name(f"asyncworker.{path}"))}
    assert (rows[name].values, rows[name].default) == (values, default)


def test_what_a_docstring_leaves_out_is_missing(caplog):
    assert "| `caplog` |  |" in table("tests.docs.test_tables.Undescribed", "en")
    assert caplog.messages == [
        "tests.docs.test_tables.Undescribed: the docstring does not say what caplog is"
    ]


class Undescribed:
    """Say nothing about what it takes."""

    def __init__(self, caplog):
        pass
