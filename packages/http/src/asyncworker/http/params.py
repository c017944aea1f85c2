"""How a handler's parameters are filled: worked out once, at decoration."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from asyncworker.app import App
from asyncworker.errors import ConfigurationError
from asyncworker.http.body import Body
from asyncworker.http.refusal import misfit
from asyncworker.http.shape import Kind, shape_of
from asyncworker.http.sources import (
    REQUIRED,
    Given,
    Misfit,
    PathValue,
    QueryValue,
    QueryValues,
    Source,
    converter,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from asyncworker.routes import Handler

    Begin = Callable[[web.Request], Awaitable[Any]]
    Check = Callable[[web.Request], None]

WITH_BODY: Final = {"POST", "PUT", "PATCH"}
"""Methods whose body has a meaning; DELETE may have one (RFC 9110, section 9.3)."""
THE_REQUEST: Final = Given(lambda request: request)


class Plan:
    """Fill a handler's parameters from a request."""

    def __init__(
        self, handler: Handler, parameters: Sequence[Parameter], sources: Sequence[Source | Body]
    ) -> None:
        self._call = _call(handler, parameters)
        self._body: Body | None = None
        self._body_index = 0
        self._sources: list[Source] = []
        for index, source in enumerate(sources):
            if isinstance(source, Body):
                self._body, self._body_index = source, index
                self._sources.append(Given(lambda _: None))
            else:
                self._sources.append(source)
        self._takes = [source.take for source in self._sources]

    def begin(self, request: web.Request) -> Awaitable[Any]:
        """Return what is to be awaited for the handler's answer.

        Raises: web.HTTPException, at once or when it is awaited.
        """
        values = self._values(request)
        return self._call(values) if self._body is None else self._read(request, values, self._body)

    def check(self, request: web.Request) -> None:
        """Accept a request by its head.

        Raises: web.HTTPException
        """
        self._values(request)
        if self._body is not None:
            self._body.check(request)

    def _values(self, request: web.Request) -> list[Any]:
        try:
            return [take(request) for take in self._takes]
        except (ValidationError, Misfit):
            problems = [each for source in self._sources for each in source.problems(request)]
        error = "the request does not fit"
        raise misfit(web.HTTPBadRequest, error, problems)

    async def _read(self, request: web.Request, values: list[Any], body: Body) -> Any:
        values[self._body_index] = await body.read(request)
        return await self._call(values)


def make_begin(
    app: App,
    handler: Handler,
    parameters: Sequence[Parameter],
    in_path: Collection[str],
    method: str,
) -> tuple[Begin, Check | None]:
    """Return what calls the handler for the requests of one method and path.

    With it comes what tells by a request's head that it cannot be answered, if anything does.

    in_path: the names that the path holds.
    Raises: ConfigurationError, for a parameter that can never be filled.
    """
    sources: list[Source | Body] = []
    for index, parameter in enumerate(parameters):
        if parameter.name not in in_path and _is_request(parameter, is_first=index == 0):
            sources.append(THE_REQUEST)
        elif _is_class(parameter.annotation, App):
            sources.append(Given(lambda _: app))
        else:
            sources.append(_source(parameter, in_path, method))
    bodies = [each.name for each, made in zip(parameters, sources, strict=True) if _is_body(made)]
    if len(bodies) > 1:
        names = " and ".join(bodies)
        raise ConfigurationError(f"{names} would both be the body: put them into one model")
    if sources == [THE_REQUEST] and parameters[0].kind is not Parameter.KEYWORD_ONLY:
        return handler, None
    plan = Plan(handler, parameters, sources)
    return plan.begin, plan.check


def _source(parameter: Parameter, in_path: Collection[str], method: str) -> Source | Body:
    annotation = _annotation(parameter)
    adapter, shape = _adapter(parameter.name, annotation)
    name, default = parameter.name, parameter.default
    if name in in_path:
        if shape.kind is not Kind.VALUE:
            raise _never(name, annotation, "a part of the path is one value")
        return PathValue(name, converter(annotation, adapter, shape))
    if shape.kind is Kind.VALUE:
        return QueryValue(name, converter(annotation, adapter, shape), default)
    if shape.kind is Kind.VALUES and method not in WITH_BODY:
        return QueryValues(name, converter(annotation, adapter, shape), default)
    if shape.kind is Kind.UNCLEAR:
        raise _never(name, annotation, "it is neither one value nor a document")
    if method in WITH_BODY or method == "DELETE":
        return Body(adapter, default)
    if default is REQUIRED:
        raise _never(name, annotation, f"a {method} request has no body")
    return Given(lambda _: default)


def _adapter(name: str, annotation: Any) -> tuple[TypeAdapter[Any], Any]:
    try:
        adapter = TypeAdapter(annotation)
        return adapter, shape_of(adapter)
    except PydanticUserError as error:
        raise _never(name, annotation, error.message.splitlines()[0]) from None


def _annotation(parameter: Parameter) -> Any:
    """Return a parameter's type; one that is not annotated takes text, or what its default is."""
    if parameter.annotation is not Parameter.empty:
        return parameter.annotation
    if parameter.default is None or parameter.default is REQUIRED:
        return str
    return type(parameter.default)


def _is_request(parameter: Parameter, *, is_first: bool) -> bool:
    if parameter.annotation is not Parameter.empty:
        return _is_class(parameter.annotation, web.BaseRequest)
    return parameter.default is REQUIRED and (is_first or parameter.name == "request")


def _is_class(annotation: Any, wanted: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, wanted)


def _is_body(source: Source | Body) -> bool:
    return isinstance(source, Body)


def _never(name: str, annotation: Any, reason: str) -> ConfigurationError:
    shown = annotation.__name__ if isinstance(annotation, type) else annotation
    return ConfigurationError(f"parameter {name!r} can never be filled as {shown}: {reason}")


def _call(
    handler: Handler, parameters: Sequence[Parameter]
) -> Callable[[Sequence[Any]], Awaitable[Any]]:
    named = [each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    if not named:
        return lambda values: handler(*values)
    count = len(parameters) - len(named)

    def call(values: Sequence[Any]) -> Awaitable[Any]:
        return handler(*values[:count], **dict(zip(named, values[count:], strict=True)))

    return call
