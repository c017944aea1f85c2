"""Which source fills a parameter: by its name, its marker, or its type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin

from aiohttp import web

from asyncworker.http.parameters.body import Body
from asyncworker.http.parameters.form import files_in, texts_in
from asyncworker.http.parameters.sources import Given, PathValue, Source, Value, Values
from asyncworker.parameters.converter import REQUIRED, adapter_of, converter, never
from asyncworker.parameters.markers import (
    Cookie,
    Form,
    Header,
    Marker,
    marker_of,
    place_of,
    type_of,
)
from asyncworker.parameters.shape import Kind
from asyncworker.uploaded_file import UploadedFile

G = TypeVar("G")

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from asyncworker.app import App
    from asyncworker.description import Place
    from asyncworker.http.parameters.form import Fields

    TextsOf = Callable[[G], list[Any] | None]

WITH_BODY: Final = {"POST", "PUT", "PATCH"}
"""Methods whose body has a meaning; DELETE may have one (RFC 9110, section 9.3)."""
_ELEMENT: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^",])+')
"""One of a list in a header, quoted or not."""
THE_REQUEST: Final = Given(lambda request: request)


@dataclass(frozen=True, slots=True)
class Field:
    """Hold a source that takes from the form, once that is read."""

    source: Value[Fields] | Values[Fields]


def wanted_type(parameter: Parameter) -> Any:
    """Return the type of what a source gives for a parameter."""
    return _annotation(parameter) if marker_of(parameter) is None else type_of(parameter)


def source_of(
    app: App, parameter: Parameter, in_path: Collection[str], method: str, *, is_first: bool
) -> Source | Body | Field:
    """Return the source of a parameter.

    in_path: the names that the path holds.
    Raises: ConfigurationError, for one that can never be filled.
    """
    name, annotation = parameter.name, parameter.annotation
    if name not in in_path and _is_request(parameter, is_first=is_first):
        return THE_REQUEST
    if (provide := app.provider(annotation)) is not None:
        return Given(lambda _: provide())
    if (marker := marker_of(parameter)) is not None:
        return _marked(parameter, marker, method)
    if UploadedFile in (annotation, *get_args(annotation)):
        return _field(parameter, name, annotation, method)
    return _of_type(parameter, in_path, method)


def _marked(parameter: Parameter, marker: Marker, method: str) -> Source | Field:
    name, annotation = place_of(parameter, marker), type_of(parameter)
    if isinstance(marker, Form):
        return _field(parameter, name, annotation, method)
    if isinstance(marker, Header):
        return _value(parameter, "header", name, annotation, _headers(name), _listed(name))
    if isinstance(marker, Cookie):
        return _value(parameter, "cookie", name, annotation, _cookies(name))
    raise never(parameter.name, annotation, f"a request has no {type(marker).__name__}")


def _field(parameter: Parameter, name: str, annotation: Any, method: str) -> Field:
    if method not in WITH_BODY:
        raise never(parameter.name, annotation, f"a {method} request has no form")
    default = parameter.default
    if annotation in (UploadedFile, UploadedFile | None):
        return Field(Value("form", name, files_in(name), _as_it_is, default))
    if get_origin(annotation) is list and get_args(annotation) == (UploadedFile,):
        return Field(Values("form", name, files_in(name), _as_it_is, default))
    return Field(_value(parameter, "form", name, annotation, texts_in(name)))


def _value(
    parameter: Parameter,
    place: Place,
    name: str,
    annotation: Any,
    texts_of: TextsOf[G],
    listed_of: TextsOf[G] | None = None,
) -> Value[G] | Values[G]:
    """Return the source of what is text, or a list of texts, at its place.

    listed_of: what takes a list, where that is not just all of the texts.
    """
    adapter, shape = adapter_of(parameter.name, annotation)
    convert = converter(annotation, adapter, shape)
    if shape.kind is Kind.VALUE:
        return Value(place, name, texts_of, convert, parameter.default)
    if shape.kind is Kind.VALUES:
        return Values(place, name, listed_of or texts_of, convert, parameter.default)
    raise never(parameter.name, annotation, f"a {place} is text, or a list of texts")


def _queries(name: str) -> TextsOf[web.Request]:
    return lambda request: request.query.getall(name, None)


def _headers(name: str) -> TextsOf[web.Request]:
    return lambda request: request.headers.getall(name, None)


def _listed(name: str) -> TextsOf[web.Request]:
    """Return what takes a list: commas separate, and several lines are one (RFC 9110, 5.3)."""

    def texts_of(request: web.Request) -> list[str] | None:
        lines = request.headers.getall(name, None)
        if lines is None:
            return None
        return [one for part in _ELEMENT.findall(",".join(lines)) if (one := part.strip())]

    return texts_of


def _cookies(name: str) -> TextsOf[web.Request]:
    return lambda request: [request.cookies[name]] if name in request.cookies else None


def _as_it_is(value: Any) -> Any:
    return value


def _of_type(parameter: Parameter, in_path: Collection[str], method: str) -> Source | Body:
    """Return the source of a parameter by its type alone."""
    name, default = parameter.name, parameter.default
    annotation = _annotation(parameter)
    adapter, shape = adapter_of(name, annotation)
    if name in in_path:
        if shape.kind is not Kind.VALUE:
            raise never(name, annotation, "a part of the path is one value")
        return PathValue(name, converter(annotation, adapter, shape))
    if shape.kind is Kind.VALUE or (shape.kind is Kind.VALUES and method not in WITH_BODY):
        return _value(parameter, "query", name, annotation, _queries(name))
    if shape.kind is Kind.UNCLEAR:
        raise never(name, annotation, "it is neither one value nor a document")
    if method in WITH_BODY or method == "DELETE":
        return Body(adapter, default)
    if default is REQUIRED:
        raise never(name, annotation, f"a {method} request has no body")
    return Given(lambda _: default)


def _annotation(parameter: Parameter) -> Any:
    """Return a parameter's type; one that is not annotated takes text, or what its default is."""
    if parameter.annotation is not Parameter.empty:
        return parameter.annotation
    if parameter.default is None or parameter.default is REQUIRED:
        return str
    return type(parameter.default)


def _is_request(parameter: Parameter, *, is_first: bool) -> bool:
    if parameter.annotation is not Parameter.empty:
        annotation = parameter.annotation
        return isinstance(annotation, type) and issubclass(annotation, web.BaseRequest)
    return parameter.default is REQUIRED and (is_first or parameter.name == "request")
