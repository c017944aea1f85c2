"""Paths and methods, checked when a route is declared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web

from asyncworker.blueprint import checked_prefix
from asyncworker.errors import ConfigurationError, suggestion

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_PARAMETERS: Final = re.compile(r"\{.*\}")
_NAME: Final = re.compile(r"\{[_a-zA-Z][_a-zA-Z0-9]*")


def check_methods(methods: object) -> tuple[str, ...]:
    """Return the methods in upper case.

    Raises: ConfigurationError, unless they are a list of different methods of HTTP.
    """
    if isinstance(methods, str):
        raise ConfigurationError(f"methods must be a list: write [{methods!r}], not {methods!r}")
    if not isinstance(methods, Iterable):
        raise ConfigurationError(f"methods must be a list of names, got {methods!r}")
    given = tuple(methods)
    if not given:
        raise ConfigurationError("methods is empty: name at least one")
    names = tuple(map(_check_method, given))
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"{name!r} is in methods twice: name it once")
    return names


def check_path(path: str) -> frozenset[str]:
    """Return the names of a path's parameters.

    Raises: ConfigurationError, unless aiohttp can match requests against the path.
    """
    if not path.startswith("/"):
        raise ConfigurationError(f"path {path!r} must start with '/': write {'/' + path!r}")
    try:
        resource = web.UrlDispatcher().add_resource(path)
    except (ValueError, AssertionError) as error:
        raise ConfigurationError(f"path {path!r} cannot be matched: {error}") from None
    # A regular expression may hold both; anywhere else they end the path of a request.
    if {"?", "#"} & set(_PARAMETERS.sub("", path)):
        raise ConfigurationError(f"path {path!r} never matches: a path ends before '?' and '#'")
    pattern: Any = resource.get_info().get("pattern")
    return frozenset(pattern.groupindex if pattern is not None else ())


def check_plain_prefix(prefix: str, whose: str) -> None:
    """Accept a prefix without parameters, or none. whose: as an error names it.

    Raises: ConfigurationError
    """
    if set("{}?#") & set(checked_prefix(prefix)):
        raise ConfigurationError(f"{whose} prefix is a plain path, as '/-': got {prefix!r}")


def same_requests(path: str) -> str:
    """Return what is equal for two paths that differ in the names of their parameters alone."""
    return _NAME.sub("{", path)


def _check_method(method: object) -> str:
    name = method.upper() if isinstance(method, str) else method
    if name not in METHODS:
        raise ConfigurationError(f"unknown method {method!r}: {suggestion(method, METHODS)}")
    return str(name)
