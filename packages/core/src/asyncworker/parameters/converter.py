"""Text as the value that an annotation says."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs.problems import no_data
from asyncworker.errors import ConfigurationError
from asyncworker.parameters.shape import Kind, Shape, shape_of
from asyncworker.parameters.signature import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

REQUIRED: Final = Parameter.empty
"""The default of a parameter that has none."""


class Misfit(Exception):
    """Report a value that a parameter cannot take, for a reason that pydantic does not know."""


def adapter_of(name: str, annotation: Any) -> tuple[TypeAdapter[Any], Shape]:
    """Return what validates the values of a parameter, and what they look like.

    Raises: ConfigurationError, for a type that no value can be made of.
    """
    # Slow to import, and large: it is so only for who needs it.
    from pydantic import PydanticUserError, TypeAdapter

    try:
        adapter = TypeAdapter(annotation)
        return adapter, shape_of(adapter)
    except PydanticUserError as error:
        raise never(name, annotation, no_data(error)) from None


def never(name: str, annotation: Any, reason: str) -> ConfigurationError:
    """Return what to raise for a parameter that nothing can fill."""
    filled = f"parameter {name!r} can never be filled as {shown(annotation)}"
    return ConfigurationError(f"{filled}: {reason}")


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


def default_of(value: Any) -> Any:
    """Return the default of a parameter that nothing fills.

    Raises: Misfit, when it has none
    """
    if value is REQUIRED:
        raise Misfit("it is missing")
    return value
