"""ASYNCWORKER_* variables that a page names: whether there are such, and take such values."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pkgutil import resolve_name
from typing import Any

from asyncworker.errors import ConfigurationError
from asyncworker.record import fields_of
from asyncworker.settings import Environment

NAME = re.compile(r"\bASYNCWORKER_[A-Z][A-Z_]*[A-Z]\b")
ASSIGNMENT = re.compile(rf"({NAME.pattern})=(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'`$]*)")
CLASSES = (
    "asyncworker.settings.Settings",
    "asyncworker.http.settings.Settings",
    "asyncworker.rabbitmq.settings.RabbitMQSettings",
    "asyncworker.rabbitmq.settings.AMQPSettings",
    "asyncworker.sse.settings.SSESettings",
    "asyncworker_redis.settings.RedisSettings",
)
GONE = {
    *(f"ASYNCWORKER_AMQP_DEFAULT_{what}" for what in ("HEARTBEAT", "PORT", "VHOST")),
    "ASYNCWORKER_AMQP_DEFAULT_PREFETCH_COUNT",
    "ASYNCWORKER_METRICS_APPPREFIX",
}
"""What async-worker 0.20 read, and the page on migration finds a place for."""


def unknown_settings(text: str) -> Iterator[tuple[int, str]]:
    """Return the names in a text that are of no variable, each with its line, counted from 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        for name in NAME.findall(line):
            if name not in fields().keys() | GONE:
                yield number, f"there is no setting {name}"


def wrong_settings(text: str) -> Iterator[tuple[int, str]]:
    """Return which values a text gives that a variable does not take, each with its line."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in ASSIGNMENT.finditer(line):
            for problem in wrong_values({found[1]: "".join(shlex.split(found["value"]))}):
                yield number, problem


def wrong_values(values: dict[str, str]) -> Iterator[str]:
    """Return which values the variables do not take."""
    for name, value in values.items():
        if value and name in fields():
            settings, field = fields()[name]
            try:
                settings(**{field: value})
            except ConfigurationError as error:
                yield str(error)


def values_in(data: Any) -> dict[str, str]:
    """Return the values that data, as of YAML, gives to variables.

    They stand as `NAME: value`, or as `name: NAME` beside `value: value`.
    """
    found: dict[str, str] = {}
    if isinstance(data, dict):
        pair = {data.get("name"): data.get("value")}
        found = {
            name: str(value)
            for name, value in (data | pair).items()
            if isinstance(name, str) and NAME.fullmatch(name) and value is not None
        }
        data = list(data.values())
    for value in data if isinstance(data, list) else []:
        found |= values_in(value)
    return found


@cache
def fields() -> dict[str, tuple[type[Environment], str]]:
    """Return the variables that there are, each with the class and the field that it sets."""
    return {
        f"{one.env_prefix}{field.name.upper()}": (one, field.name)
        for one in map(resolve_name, CLASSES)
        for field in fields_of(one)
    }
