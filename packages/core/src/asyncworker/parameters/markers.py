"""Where a parameter comes from that its type alone cannot tell: `Annotated[str, Header()]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from inspect import Parameter

__all__ = ["Cookie", "Form", "Header", "Marker"]


@dataclass(frozen=True, slots=True)
class Marker:
    """Name a place within a message or a request.

    name: there; that of the parameter when left out.
    """

    name: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not (isinstance(self.name, str) and self.name):
            kind = type(self).__name__
            raise ConfigurationError(f"{kind}() takes a non-empty name, got {self.name!r}")


class Header(Marker):
    """Fill a parameter with a header of the one message, or of the request.

    name: of the header; that of the parameter, with hyphens, when left out.
    """

    __slots__ = ()


class Cookie(Marker):
    """Fill a parameter with a cookie of the request.

    name: of the cookie; that of the parameter when left out.
    """

    __slots__ = ()


class Form(Marker):
    """Fill a parameter with a field of the form that the request brings.

    name: of the field; that of the parameter when left out.
    """

    __slots__ = ()


def marker_of(parameter: Parameter) -> Marker | None:
    """Return the marker of an annotated parameter, if it has one.

    Raises: ConfigurationError, for several, for a class in place of an instance, and for one that
    is elsewhere than in `Annotated`.
    """
    for place in (parameter.default, parameter.annotation):
        if isinstance(place, Marker):
            kind = type(place).__name__
            raise ConfigurationError(
                f"parameter {parameter.name!r}: write {parameter.name}: Annotated[str, {kind}(...)]"
            )
    if get_origin(parameter.annotation) is not Annotated:
        return None
    _, *more = get_args(parameter.annotation)
    for one in more:
        if isinstance(one, type) and issubclass(one, Marker):
            kind = one.__name__
            raise ConfigurationError(f"parameter {parameter.name!r}: write {kind}(), not {kind}")
    found = [one for one in more if isinstance(one, Marker)]
    if len(found) > 1:
        listed = " and ".join(map(repr, found))
        raise ConfigurationError(f"parameter {parameter.name!r} has {listed}: keep one of them")
    return found[0] if found else None


def place_of(parameter: Parameter, marker: Marker) -> str:
    """Return the name that is meant: that of the marker, or else of its parameter."""
    own = parameter.name
    return marker.name or (own.replace("_", "-") if isinstance(marker, Header) else own)


def type_of(parameter: Parameter) -> Any:
    """Return the type that a marked parameter is converted to; its other metadata stays."""
    inner, *more = get_args(parameter.annotation)
    kept = [one for one in more if not isinstance(one, Marker)]
    return Annotated[inner, *kept] if kept else inner
