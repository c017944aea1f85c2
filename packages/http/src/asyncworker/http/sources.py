"""Where a parameter's value comes from."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from asyncworker.http.refusal import a_problem, problems_of
from asyncworker.http.shape import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web
    from pydantic import TypeAdapter

    from asyncworker.http.shape import Shape

REQUIRED: Final = Parameter.empty


class Misfit(Exception):
    """Report a value that a parameter cannot take, for a reason that pydantic does not know."""


class PathValue:
    """Take one part of the path."""

    def __init__(self, name: str, convert: Callable[[str], Any]) -> None:
        self._name = name
        self._convert = convert

    def take(self, request: web.Request) -> Any:
        """Return the value; raise ValidationError."""
        return self._convert(request.match_info[self._name])

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return what is wrong with the value, if anything."""
        return _problems(self, request, "path", self._name)


class QueryValue:
    """Take one value of the query; given twice, nobody could say which one is meant."""

    def __init__(self, name: str, convert: Callable[[str], Any], default: Any) -> None:
        self._name = name
        self._convert = convert
        self._default = default

    def take(self, request: web.Request) -> Any:
        """Return the value; raise ValidationError, Misfit."""
        texts = request.query.getall(self._name, None)
        if texts is None:
            return _default(self._default)
        if len(texts) > 1:
            raise Misfit(f"it is given {len(texts)} times")
        return self._convert(texts[0])

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return what is wrong with the value, if anything."""
        return _problems(self, request, "query", self._name)


class QueryValues:
    """Take all values of the query that have one name."""

    def __init__(self, name: str, convert: Callable[[list[str]], Any], default: Any) -> None:
        self._name = name
        self._convert = convert
        self._default = default

    def take(self, request: web.Request) -> Any:
        """Return the values; raise ValidationError, Misfit."""
        texts = request.query.getall(self._name, None)
        return _default(self._default) if texts is None else self._convert(texts)

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return what is wrong with the values, if anything."""
        return _problems(self, request, "query", self._name)


class Given:
    """Take what no client can get wrong."""

    def __init__(self, take: Callable[[web.Request], Any]) -> None:
        self.take = take

    def problems(self, request: web.Request) -> list[dict[str, str]]:
        """Return nothing."""
        return []


Source = PathValue | QueryValue | QueryValues | Given


def converter(annotation: Any, adapter: TypeAdapter[Any], shape: Shape) -> Callable[[Any], Any]:
    """Return what makes a value of text, or of a list of texts; it raises ValidationError."""
    if annotation is str:
        return str
    choices = shape.choices
    # The inner validator, as the adapter's own method takes twice the time of the validation.
    validate = adapter.validator.validate_python
    if shape.kind is Kind.VALUES:
        return lambda texts: validate([choices.get(text, text) for text in texts])
    validate_text = adapter.validator.validate_strings
    if not choices:
        return validate_text
    # An Enum of numbers takes no text, however the number is written.
    return lambda text: validate(choices[text]) if text in choices else validate_text(text)


def _default(value: Any) -> Any:
    if value is REQUIRED:
        raise Misfit("it is missing")
    return value


def _problems(source: Source, request: web.Request, place: str, name: str) -> list[dict[str, str]]:
    try:
        source.take(request)
    except ValidationError as error:
        return problems_of(error, place, name)
    except Misfit as error:
        return [a_problem(place, name, str(error))]
    return []
