"""Tables of settings, options and arguments, made from the code that reads them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from enum import Enum
from pkgutil import resolve_name
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from asyncworker import Events, Options
from asyncworker.handler_options import HandlerOptions
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.record import Record, fields_of
from asyncworker.settings import Environment
from scripts.pages.catalogue import translated
from scripts.pages.prose import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import Field

    from asyncworker.record import Schema

log = logging.getLogger("mkdocs.tables")

HEADS: Final = {
    "en": ("name", "what it is", "values", "default"),
    "pt-BR": ("nome", "o que é", "valores", "padrão"),
}
REQUIRED: Final = ""


class Row(NamedTuple):
    """Say what users may write under a name. parameter: what the docstring calls it."""

    parameter: str
    name: str
    values: str
    default: str


def table(path: str, language: str) -> str:
    """Return the table of a class of settings or options, or of what a class or function takes.

    path: `module.name`.
    """
    subject = resolve_name(path)
    rows = list(rows_of(subject))
    about = _about(subject, [row.parameter for row in rows], language)
    for row in rows:
        if row.parameter not in about:
            log.warning("%s: the docstring does not say what %s is", path, row.parameter)
    return markdown(rows, about, language)


def markdown(rows: list[Row], about: Mapping[str, str], language: str) -> str:
    """Return rows as a table, without last columns that are empty.

    about: what each of their parameters is.
    """
    lines: list[tuple[str, ...]] = [HEADS[language], ("---",) * 4]
    for row in rows:
        text = about.get(row.parameter, "")
        lines.append((row.name, text[:1].upper() + text[1:], row.values, row.default))
    width = max(number for line in lines[2:] for number, cell in enumerate(line, 1) if cell)
    return "\n".join(f"| {' | '.join(line[:width])} |" for line in lines)


def rows_of(subject: Any) -> Iterator[Row]:
    """Return the rows of a table, in the order of the code."""
    if isinstance(subject, type) and issubclass(subject, Environment):
        return _settings(subject)
    if isinstance(subject, type) and issubclass(subject, HandlerOptions):
        return _options(subject)
    return _arguments(subject)


def _settings(model: type[Environment]) -> Iterator[Row]:
    for field in fields_of(model):
        variable = f"`{model.env_prefix}{field.name.upper()}`"
        is_flag = isinstance(field.default, bool)
        default = str(field.default).lower() if is_flag else str(field.default)
        shown = f"`{default.removesuffix('.0')}`" if default else ""
        yield Row(field.name, variable, _of_field(model, field), shown)


def _options(model: type[HandlerOptions]) -> Iterator[Row]:
    for field in fields_of(model):
        name = field.name
        member = Options(name) if name in set(Options) else Events(name)
        yield Row(name, _shown(member), _of_field(model, field), _shown(field.default))


def _arguments(function: Callable[..., Any]) -> Iterator[Row]:
    """Return what a class takes, or a backend beside what all backends take."""
    actual = _defaults_of_amqp() if function is AMQPConnection else {}
    for name, one in inspect.signature(function).parameters.items():
        if isinstance(function, type) or one.kind is one.KEYWORD_ONLY:
            parts = str(one.annotation).replace("tls.", "ssl.").removesuffix(" | None").split(" | ")
            values = ", ".join(f"`{part}`" for part in parts)
            yield Row(name, f"`{name}`", values, _shown(actual.get(name, one.default)))


def _defaults_of_amqp() -> dict[str, Any]:
    """Return what stands for None, which only says that an argument was left out."""
    connection = AMQPConnection("localhost")
    broker = connection.broker
    return {
        "username": broker.username,
        "password": broker.password,
        "port": broker.hosts[0][1],
        "auth": broker.auth,
        "prefetch": connection.prefetch,
        "heartbeat": broker.heartbeat,
        "codec": connection.codec,
    }


def _about(subject: Any, names: list[str], language: str) -> dict[str, str]:
    """Return what docstrings say about names, those of base classes included."""
    about: dict[str, str] = {}
    for one in reversed(inspect.getmro(subject)) if isinstance(subject, type) else [subject]:
        if one.__doc__ and read(one.__doc__, names).about:
            text = translated(f"{one.__module__}.{one.__qualname__}", one.__doc__, language)
            about |= read(text, names).about
    return about


def _of_field(model: type[Record], field: Field[Any]) -> str:
    values = _values(get_type_hints(model)[field.name])
    return f"{values}{_bounds(field.metadata['schema'])}"


def _values(annotation: Any) -> str:
    """Return what a value may be, None aside."""
    if get_origin(annotation) in (Union, UnionType):
        return ", ".join(_values(part) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is Mapping:
        return "`dict`"
    return "`true`, `false`" if annotation is bool else f"`{annotation.__name__}`"


def _bounds(schema: Schema) -> str:
    schema = schema.get("schema", schema)
    signs = {"gt": ">", "ge": "≥", "le": "≤"}
    return ",".join(f" {signs[name]} {schema[name]}" for name in signs if name in schema)


def _shown(value: Any) -> str:
    """Return a value as users write it."""
    if value is inspect.Parameter.empty:
        return REQUIRED
    if isinstance(value, Enum):
        return f"`{type(value).__name__}.{value.name}`"
    whole = isinstance(value, float) and value.is_integer()
    return f"`{int(value) if whole else value!r}`"
