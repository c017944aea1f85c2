"""How a handler's parameters are filled: worked out once, at decoration."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic_core import ValidationError

from asyncworker.errors import ConfigurationError
from asyncworker.http.parameters.body import Body
from asyncworker.http.parameters.choosing import THE_REQUEST, Field, source_of
from asyncworker.http.parameters.form import Form
from asyncworker.http.parameters.sources import Given
from asyncworker.http.refusal import misfit
from asyncworker.parameters.arguments import calling
from asyncworker.parameters.converter import Misfit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from asyncworker.app import App
    from asyncworker.http.parameters.sources import Source
    from asyncworker.routes import Handler

    Begin = Callable[[web.Request], Awaitable[Any]]
    Check = Callable[[web.Request], None]
    Filling = Source | Body | Field

MISFITS: Final = (ValidationError, Misfit)
NOTHING: Final = Given(lambda _: None)
"""The source of what the body fills later."""


class Plan:
    """Fill a handler's parameters from a request.

    sources: one for each parameter. body: what reads the request's body, if anything does; it fills
    those at `filled`, whose sources give nothing.
    """

    def __init__(
        self,
        handler: Handler,
        parameters: Sequence[Parameter],
        sources: Sequence[Source],
        body: Body | Form | None,
        filled: Sequence[int],
    ) -> None:
        self._call = calling(handler, parameters)
        self._sources = sources
        self._body = body
        self._filled = filled
        self._takes = [source.take for source in sources]

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

    def begin_with_one(self, handler: Handler) -> Begin:
        """Return the same for a handler of one parameter by position, which is not the body."""
        [take] = self._takes

        def begin(request: web.Request) -> Awaitable[Any]:
            try:
                value = take(request)
            except MISFITS:
                raise self._refusal(request) from None
            return handler(value)

        return begin

    def _values(self, request: web.Request) -> list[Any]:
        try:
            return [take(request) for take in self._takes]
        except MISFITS:
            raise self._refusal(request) from None

    def _refusal(self, request: web.Request) -> web.HTTPException:
        problems = [each for source in self._sources for each in source.problems(request)]
        return misfit(web.HTTPBadRequest, "the request does not fit", problems)

    async def _read(self, request: web.Request, values: list[Any], body: Body | Form) -> Any:
        for index, value in zip(self._filled, await body.read(request), strict=True):
            values[index] = value
        return await self._call(values)


def sources_of(
    app: App, parameters: Sequence[Parameter], in_path: Collection[str], method: str
) -> list[Filling]:
    """Return what fills each of a handler's parameters by a request of one method and path.

    in_path: the names that the path holds.
    Raises: ConfigurationError, for a parameter that can never be filled.
    """
    return [
        source_of(app, parameter, in_path, method, is_first=index == 0)
        for index, parameter in enumerate(parameters)
    ]


def make_begin(
    handler: Handler,
    parameters: Sequence[Parameter],
    sources: Sequence[Filling],
) -> tuple[Begin, Check | None]:
    """Return what calls the handler for the requests of one method and path.

    With it comes what tells by a request's head that it cannot be answered, if anything does.

    sources: one for each of the parameters.
    Raises: ConfigurationError, for more than one body.
    """
    if not sources:
        return (lambda _request: handler()), None
    is_one = len(sources) == 1 and parameters[0].kind is not Parameter.KEYWORD_ONLY
    if is_one and list(sources) == [THE_REQUEST]:
        return handler, None
    plan = Plan(handler, parameters, *_parted(parameters, sources))
    if is_one and not isinstance(sources[0], Body | Field):
        return plan.begin_with_one(handler), plan.check
    return plan.begin, plan.check


def _parted(
    parameters: Sequence[Parameter], sources: Sequence[Filling]
) -> tuple[list[Source], Body | Form | None, list[int]]:
    """Return what the head of a request fills, what its body fills, and where that belongs.

    Raises: ConfigurationError, for more than one body.
    """
    of_head = [NOTHING if isinstance(each, Body | Field) else each for each in sources]
    filled = [index for index, each in enumerate(sources) if isinstance(each, Body | Field)]
    bodies = [sources[index] for index in filled]
    fields = [each.source for each in bodies if isinstance(each, Field)]
    if len(bodies) > 1 and len(fields) < len(bodies):
        names = " and ".join(parameters[index].name for index in filled)
        raise ConfigurationError(f"{names} would both be the body: put them into one model")
    if fields:
        return of_head, Form(fields), filled
    body = next((each for each in bodies if isinstance(each, Body)), None)
    return of_head, body, filled
