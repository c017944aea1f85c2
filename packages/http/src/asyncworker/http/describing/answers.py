"""What a handler answers, by what it says that it returns or yields."""

from __future__ import annotations

import types
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import is_dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, is_typeddict

from aiohttp import web

from asyncworker.description import Answer
from asyncworker.http.refusal import JSON
from asyncworker.http.responses import BINARY
from asyncworker.http.return_annotation import alternatives
from asyncworker.http.streaming.event import is_event
from asyncworker.model_classes import is_model
from asyncworker.routes import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Part = tuple[int | None, str | None, Any]

TEXT: Final = "text/plain"
EVENTS: Final = "text/event-stream"
OCTETS: Final = (bytes, bytearray, memoryview)
ITERATORS: Final = (AsyncGenerator, AsyncIterable, AsyncIterator)
UNKNOWN: Final[Part] = (None, None, object)
ANY: Final = "What the handler answers."


def answers_of(handler: Callable[..., Any], returns: Any) -> Iterator[Answer]:
    """Yield what a handler may answer, with what is of one status and content type together.

    returns: the type of what it returns or yields; object for any.
    """
    parts = _yielded(returns) if streams(handler) else _returned(returns)
    by_kind: dict[tuple[int | None, str | None], list[Any]] = {}
    for status, content_type, declared in dict.fromkeys(parts):
        by_kind.setdefault((status, content_type), []).append(declared)
    for (status, content_type), declared in by_kind.items():
        yield Answer(
            about=_about(status),
            status=status,
            content_type=content_type,
            type=declared[0] if len(declared) == 1 else Union[tuple(declared)],  # noqa: UP007
        )


def _about(status: int | None) -> str:
    try:
        return ANY if status is None else HTTPStatus(status).phrase
    except ValueError:
        return ANY


def _returned(declared: Any) -> Iterator[Part]:
    if parts := alternatives(declared):
        for one in parts:
            yield from _returned(one)
    elif get_origin(declared) is tuple:
        yield from _with_status(get_args(declared))
    elif isinstance(declared, type) and issubclass(declared, web.HTTPException):
        status: int | None = declared.status_code if declared.status_code > 0 else None
        yield status, None, object
    else:
        yield _value(declared)


def _with_status(parts: tuple[Any, ...]) -> Iterator[Part]:
    """Yield what a value with a status is, maybe with headers: those may say what it is, too."""
    if len(parts) not in (2, 3) or Ellipsis in parts:
        yield UNKNOWN
        return
    statuses = _statuses(parts[1])
    for one in alternatives(parts[0]) or (parts[0],):
        _, content_type, declared = _value(one)
        for status in statuses:
            yield status, content_type, declared


def _statuses(declared: Any) -> tuple[int | None, ...]:
    is_literal = get_origin(declared) is Literal
    return tuple(int(one) for one in get_args(declared)) if is_literal else (None,)


def _value(declared: Any) -> Part:
    """Return how a value is answered, as `responses.py` does it."""
    made_of = get_origin(declared) or declared
    if made_of is Literal and all(isinstance(one, str) for one in get_args(declared)):
        return 200, TEXT, declared
    if made_of is None or made_of is types.NoneType:
        return 204, None, object
    if is_typeddict(made_of):
        return 200, JSON, declared
    if not isinstance(made_of, type):
        return UNKNOWN
    if issubclass(made_of, str):
        return 200, TEXT, str
    if issubclass(made_of, OCTETS):
        return 200, BINARY, object
    if issubclass(made_of, dict | list) or is_dataclass(made_of) or is_model(made_of):
        return 200, JSON, declared
    return UNKNOWN


def _yielded(declared: Any) -> Iterator[Part]:
    if get_origin(declared) not in ITERATORS:
        yield 200, None, object
        return
    item = get_args(declared)[0]
    for one in alternatives(item) or (item,):
        if isinstance(one, type) and is_event(one):
            # Their schema would be that of one event (OpenAPI 3.2), of which 3.1 has no words.
            yield 200, EVENTS, object
        elif isinstance(one, type) and issubclass(one, str):
            yield 200, TEXT, str
        elif isinstance(one, type) and issubclass(one, OCTETS):
            yield 200, BINARY, object
        else:
            yield 200, None, object
