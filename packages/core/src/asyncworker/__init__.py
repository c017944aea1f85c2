"""Write asynchronous workers the way Flask writes web applications."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from asyncworker.app import App
from asyncworker.options import Actions, DefaultValues, Events, Options, RouteOptions
from asyncworker.route_types import RouteType, RouteTypes
from asyncworker.version import __version__

__all__ = [
    "Actions",
    "App",
    "DefaultValues",
    "Events",
    "Options",
    "RouteOptions",
    "RouteType",
    "RouteTypes",
    "__version__",
]
