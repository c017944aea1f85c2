"""Write asynchronous workers the way Flask writes web applications."""

from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

__path__ = extend_path(__path__, __name__)

from asyncworker.app import App
from asyncworker.blueprint import Blueprint
from asyncworker.call import Call
from asyncworker.cursors.file_cursor import FileCursor
from asyncworker.intake.rate import Rate
from asyncworker.once.once import Once
from asyncworker.options import Actions, DefaultValues, Events, Options
from asyncworker.parameters.markers import Cookie, Form, Header
from asyncworker.pausing.breaker import Breaker
from asyncworker.pausing.pause import Pause
from asyncworker.route_types import RouteType, RouteTypes
from asyncworker.uploaded_file import UploadedFile
from asyncworker.version import __version__

if TYPE_CHECKING:
    from asyncworker import codecs
    from asyncworker.options import RouteOptions

__all__ = [
    "Actions",
    "App",
    "Blueprint",
    "Breaker",
    "Call",
    "Cookie",
    "DefaultValues",
    "Events",
    "FileCursor",
    "Form",
    "Header",
    "Once",
    "Options",
    "Pause",
    "Rate",
    "RouteOptions",
    "RouteType",
    "RouteTypes",
    "UploadedFile",
    "__version__",
    "codecs",
]

# Hidden from type checkers, so that they still catch a misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return what few import by name, and takes longer than all the rest."""
        if name == "RouteOptions":
            from asyncworker.options import RouteOptions

            return RouteOptions
        if name == "codecs":
            from importlib import import_module

            return import_module("asyncworker.codecs")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
