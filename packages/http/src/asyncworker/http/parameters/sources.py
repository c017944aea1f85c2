"""Where a parameter's value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from aiohttp import web
from pydantic_core import ValidationError

from asyncworker.http.refusal import a_problem, problems_of
from asyncworker.parameters.converter import Misfit, default_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.description import Place

G = TypeVar("G")
H = TypeVar("H", contravariant=True)


class PathValue:
    """Take one part of the path."""

    def __init__(self, name: str, convert: Callable[[str], Any]) -> None:
        self.name = name
        self._convert = convert

    def take(self, request: web.Request) -> Any:
        """Return the value; raise ValidationError."""
        return self._convert(request.match_info[self.name])

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return what is wrong with the value, if anything."""
        return _problems(self, request, "path", self.name)


class Value(Generic[G]):
    """Take what has a name once; given twice, nobody could say which one is meant.

    place: as a client is told. texts_of: returns what a request, or its form, has of that name,
    None for nothing.
    """

    def __init__(
        self,
        place: Place,
        name: str,
        texts_of: Callable[[G], list[Any] | None],
        convert: Callable[[Any], Any],
        default: Any,
    ) -> None:
        self.place = place
        self.name = name
        self.default = default
        self._texts_of = texts_of
        self._convert = convert

    def take(self, given: G) -> Any:
        """Return the value; raise ValidationError, Misfit."""
        texts = self._texts_of(given)
        if texts is None:
            return default_of(self.default)
        if len(texts) > 1:
            raise Misfit(f"it is given {len(texts)} times")
        return self._convert(texts[0])

    def problems(self, given: G) -> list[dict[str, str]]:
        """Return what is wrong with the value, if anything."""
        return _problems(self, given, self.place, self.name)


class Values(Generic[G]):
    """Take all that has one name.

    place, texts_of: as for one value.
    """

    def __init__(
        self,
        place: Place,
        name: str,
        texts_of: Callable[[G], list[Any] | None],
        convert: Callable[[list[Any]], Any],
        default: Any,
    ) -> None:
        self.place = place
        self.name = name
        self.default = default
        self._texts_of = texts_of
        self._convert = convert

    def take(self, given: G) -> Any:
        """Return the values; raise ValidationError, Misfit."""
        texts = self._texts_of(given)
        return default_of(self.default) if texts is None else self._convert(texts)

    def problems(self, given: G) -> list[dict[str, str]]:
        """Return what is wrong with the values, if anything."""
        return _problems(self, given, self.place, self.name)


class Given:
    """Take what no client can get wrong."""

    def __init__(self, take: Callable[[web.Request], Any]) -> None:
        self.take = take

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return nothing."""
        return []


Source = PathValue | Value[web.Request] | Values[web.Request] | Given


class _Taking(Protocol[H]):
    def take(self, given: H, /) -> Any: ...


def _problems(source: _Taking[H], given: H, place: str, name: str) -> list[dict[str, str]]:
    try:
        source.take(given)
    except ValidationError as error:
        return problems_of(error, place, name)
    except Misfit as error:
        return [a_problem(place, name, str(error))]
    return []
