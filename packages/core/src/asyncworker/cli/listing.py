"""The routes and schedules of an App as a table."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from asyncworker.connections import Connection
from asyncworker.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from asyncworker.app import App
    from asyncworker.schedules.schedule import Schedule

Row = tuple[str, ...]

HEAD: Final[Row] = ("TYPE", "ROUTES", "HANDLER", "OPTIONS", "CONNECTION")
OWN: Final = {field.name for field in fields(Route)}


def rows_of(app: App) -> list[Row]:
    """Return what is known of each route and each schedule: of its options, those given."""
    return [*map(_row_of_route, app.routes), *map(_row_of_schedule, app.schedules)]


def print_table(rows: Sequence[Row]) -> None:
    """Print a table: a drawn one on a terminal where rich is installed, plain text elsewhere."""
    if not (sys.stdout.isatty() and _drawn(rows)):
        for line in _plain([HEAD, *rows]):
            print(line)  # noqa: T201 (what the command is for)


def _row_of_route(route: Route) -> Row:
    return (
        route.type.name,
        ", ".join(route.routes),
        _handler_of(route),
        _pairs({**dict(_additions(route)), **route.options.shown}),
        ", ".join(_connections(route)),
    )


def _row_of_schedule(schedule: Schedule) -> Row:
    return (
        "SCHEDULE",
        str(schedule.timetable),
        _handler_of(schedule),
        _pairs({**_once(schedule), **schedule.options.shown}),
        "" if schedule.claim is None else _named(schedule.claim.connection),
    )


def _once(schedule: Schedule) -> dict[str, str]:
    return {} if schedule.claim is None else {"once": schedule.claim.name}


def _handler_of(called: Route | Schedule) -> str:
    module = getattr(called.handler, "__module__", "")
    return f"{module}.{called.handler_name}".removeprefix(".")


def _pairs(options: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in options.items())


def _additions(route: Route) -> Iterator[tuple[str, str]]:
    """Yield what its backend added to a route and that is short: a vhost, methods."""
    for name, value in _added(route):
        if value is not False and isinstance(value, str | int | float):
            yield name, str(value)
        elif isinstance(value, tuple) and all(isinstance(one, str) for one in value):
            yield name, ",".join(value)


def _connections(route: Route) -> Iterator[str]:
    for _, value in _added(route):
        if isinstance(value, Connection):
            yield _named(value)


def _named(connection: Connection) -> str:
    return connection.name or repr(connection)


def _added(route: Route) -> Iterator[tuple[str, Any]]:
    for field in fields(route):
        if field.name not in OWN and field.repr:
            yield field.name, getattr(route, field.name)


def _plain(rows: Sequence[Row]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _drawn(rows: Sequence[Row]) -> bool:
    """Draw a table, if rich is installed; tell whether it is."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(*HEAD)
    for row in rows:
        # Text, as what users named things may look like markup.
        table.add_row(*map(Text, row))
    Console().print(table)
    return True
