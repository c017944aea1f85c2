"""What an app provides to whatever it calls: itself, and its resources."""

from __future__ import annotations

from contextlib import suppress
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.parameters.arguments import calling
from asyncworker.parameters.signature import parameters_of
from asyncworker.routes import check_takes, name_of, standing_for
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.app import App


def given_app(app: App, function: Callable[..., Any]) -> Callable[[App], Any]:
    """Return what calls a hook or a resource with the app alone, and it with what it asks for.

    One that takes just the app is returned as it is.
    Raises: ConfigurationError, for a parameter that nothing fills.
    """
    parameters = parameters_of(function, {"App": type(app)})
    if all(_means_app(app, each) for each in parameters if each.default is Parameter.empty):
        check_takes(function, "the app")
        return function
    plain = next((each for each in parameters if each.annotation is Parameter.empty), None)
    provide = [
        app.provider(type(app) if each is plain else each.annotation) or _default(function, each)
        for each in parameters
    ]
    call = calling(function, parameters)

    @standing_for(function)
    def given(_app: App) -> Any:
        return call([each() for each in provide])

    return given


def _means_app(app: App, parameter: Parameter) -> bool:
    annotation = parameter.annotation
    if annotation in (Parameter.empty, Any):
        return True
    return isinstance(annotation, type) and isinstance(app, annotation)


def given_app_or_nothing(app: App, function: Callable[..., Any]) -> Callable[[App], Any]:
    """Return the same for one that may also take nothing at all.

    Raises: ConfigurationError
    """
    try:
        return given_app(app, function)
    except ConfigurationError:
        with suppress(TypeError):
            signature_of(function).bind()
            return standing_for(function)(lambda _app: function())
        raise


def _default(function: Callable[..., Any], parameter: Parameter) -> Callable[[], Any]:
    default = parameter.default
    if default is Parameter.empty:
        raise ConfigurationError(
            f"{name_of(function)}: nothing provides parameter {parameter.name!r}: declare what "
            "does as a resource of the app before"
        )
    return lambda: default
