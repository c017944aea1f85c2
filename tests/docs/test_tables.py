"""No setting, option or argument of a connection is missing in the tables of the site."""

import pkgutil
import re
from pathlib import Path

import pytest

from asyncworker import RouteTypes
from asyncworker.backend import load_backend
from scripts.pages.tables import rows_of, table

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
TABLE = re.compile(r"^<!-- table: (\S+) -->$", re.MULTILINE)


def tables_of(page):
    return TABLE.findall((REFERENCE / page).read_text())


TABLES = tables_of("settings.md") + tables_of("options.md")


@pytest.fixture(scope="module")
def subclasses(package):
    """All classes of the project that have a class among their bases, or are it, by their names."""
    modules = [package]
    for module in modules:
        modules += [one for one in module.members.values() if not one.is_alias and one.is_module]
    classes = [
        one
        for module in modules
        for one in module.members.values()
        if not one.is_alias and one.is_class
    ]
    bases = {one.path: {one.path, *(base.path for base in one.mro())} for one in classes}
    return lambda path: {name for name, its in bases.items() if path in its}


def test_all_settings_have_a_table(subclasses):
    base = "asyncworker.settings.Environment"
    assert set(tables_of("settings.md")) == subclasses(base) - {base}


def test_all_options_have_a_table(subclasses):
    assert subclasses("asyncworker.handler_options.HandlerOptions") <= set(TABLES)


def test_all_connections_have_a_table(subclasses):
    base = "asyncworker.connections.Connection"
    assert subclasses(base) - {base} <= set(TABLES)


@pytest.mark.parametrize("route_type", RouteTypes)
def test_what_a_route_of_each_type_takes_has_a_table(route_type):
    backend = type(load_backend(route_type))
    assert f"{backend.__module__}.{backend.__qualname__}.route" in TABLES


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
        ("sse.connection.SSEConnection", "`url`", "`str`", "`None`"),
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
