"""A header of a message, as the parameter of a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import ValidationError

from asyncworker.codecs.problems import misfit
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.parameters.converter import Misfit, adapter_of, converter, default_of
from asyncworker.parameters.markers import Header, Marker, place_of, type_of
from asyncworker.parameters.shape import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Parameter


def header_of(parameter: Parameter, marker: Marker) -> Callable[[Any], Any]:
    """Return what takes the value of a marked parameter from a message; it raises Invalid.

    Raises: ConfigurationError, for what no message has.
    """
    if not isinstance(marker, Header):
        kind = type(marker).__name__
        raise ConfigurationError(f"parameter {parameter.name!r}: a message has no {kind}")
    name, default = place_of(parameter, marker), parameter.default
    annotation = type_of(parameter)
    adapter, shape = adapter_of(parameter.name, annotation)
    validate = adapter.validator.validate_python
    of_text = converter(annotation, adapter, shape) if shape.kind is Kind.VALUE else validate

    def take(message: Any) -> Any:
        headers = message.headers
        try:
            if name not in headers:
                return default_of(default)
            # A header has a type of its own; as text it is read as text of HTTP is.
            value = headers[name]
            return of_text(value) if isinstance(value, str) else validate(value)
        except Misfit as error:
            raise Invalid(f"header {name!r} does not fit: {error}") from None
        except ValidationError as error:
            raise misfit(error, what=f"header {name!r}") from None

    return take
