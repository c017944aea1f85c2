"""Routes as endpoints: what requests are made of, and what answers them."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin

from pydantic import WithJsonSchema

from asyncworker.description import Body, Description, Endpoint, Field
from asyncworker.http.describing.answers import answers_of
from asyncworker.http.describing.paths import Templates
from asyncworker.http.describing.refusals import refusals
from asyncworker.http.parameters import body, choosing
from asyncworker.http.parameters.form import MULTIPART, URL_ENCODED
from asyncworker.http.parameters.sources import PathValue, Value, Values
from asyncworker.http.refusal import JSON
from asyncworker.uploaded_file import UploadedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncworker.http.describing.paths import Template
    from asyncworker.http.parameters.params import Filling
    from asyncworker.http.route import HTTPRoute

    Filled = Sequence[tuple[Parameter, Filling]]

REQUIRED: Final = Parameter.empty
OCTETS: Final = {"type": "string", "contentMediaType": "application/octet-stream"}
"""What a file is (OpenAPI 3.1, 4.8.14.3)."""
FILE: Final[Any] = Annotated[bytes, WithJsonSchema(OCTETS)]


def described(routes: Sequence[HTTPRoute]) -> Description:
    """Return what is asked of routes, and answered."""
    templates = Templates()
    return Description(
        endpoints=tuple(
            _endpoint(route, method, path, templates.of(path))
            for route in routes
            if not route.is_monitor
            for method, path in route.begins
        )
    )


def _endpoint(route: HTTPRoute, method: str, path: str, template: Template) -> Endpoint:
    filled = list(zip(route.parameters, route.sources[method, path], strict=True))
    parameters = tuple(_parameters(filled, template))
    taken = _body(filled)
    return Endpoint(
        method=method,
        path=template.text,
        handler=route.handler,
        parameters=parameters,
        body=taken,
        answers=(
            *answers_of(route.handler, route.returns),
            *refusals(parameters, taken, route.options.timeout),
        ),
    )


def _parameters(filled: Filled, template: Template) -> Iterator[Field]:
    of_path = {source.name: one for one, source in filled if isinstance(source, PathValue)}
    for name, told in template.names.items():
        declared = choosing.wanted_type(of_path[name]) if name in of_path else str
        text = _text(declared, template.patterns.get(name))
        yield Field(name=told, type=text, place="path")
    for one, source in filled:
        if isinstance(source, Value | Values):
            yield _field(one, source)


def _field(parameter: Parameter, source: Value[Any] | Values[Any]) -> Field:
    return Field(
        name=source.name,
        type=_sent(choosing.wanted_type(parameter)),
        is_required=source.default is REQUIRED,
        default=None if source.default is REQUIRED else source.default,
        place=source.place,
    )


def _text(declared: Any, pattern: str | None) -> Any:
    """Return the type of a part of the path, which is never empty; others have their own form."""
    if declared is not str:
        return declared
    rule = {"minLength": 1} if pattern is None else {"pattern": f"^(?:{pattern})$"}
    return Annotated[str, WithJsonSchema({"type": "string", **rule})]


def _sent(declared: Any) -> Any:
    """Return the type of what a client sends for a file: its bytes."""
    if declared is UploadedFile or UploadedFile in get_args(declared):
        return list[FILE] if get_origin(declared) is list else FILE
    return declared


def _body(filled: Filled) -> Body | None:
    for parameter, source in filled:
        if isinstance(source, body.Body):
            return Body(
                content_types=(JSON,),
                type=choosing.wanted_type(parameter),
                is_required=source.default is REQUIRED,
            )
    pairs = [(one, each.source) for one, each in filled if isinstance(each, choosing.Field)]
    if not pairs:
        return None
    fields = tuple(_field(parameter, source) for parameter, source in pairs)
    has_file = any(_is_file(parameter) for parameter, _ in pairs)
    return Body(
        content_types=(MULTIPART,) if has_file else (URL_ENCODED, MULTIPART),
        fields=fields,
        is_required=any(one.is_required for one in fields),
    )


def _is_file(parameter: Parameter) -> bool:
    declared = choosing.wanted_type(parameter)
    return _sent(declared) is not declared
