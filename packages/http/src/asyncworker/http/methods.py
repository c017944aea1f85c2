"""The methods of HTTP as decorators: what `app.http` and `blueprint.http` have in common."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from asyncworker.errors import ConfigurationError
from asyncworker.route_types import RouteTypes
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.middleware.checks import Middleware
    from asyncworker.options import HandlerOptions

    Options = Mapping[Any, Any] | HandlerOptions | None

H = TypeVar("H", bound="Callable[..., Any]")


class Methods:
    """Declare routes of HTTP.

    Each method of HTTP takes a path, or a list of paths, and makes a decorator that returns the
    handler as it is. Its options are keyed by `Options`, of which HTTP has `Options.TIMEOUT`;
    middlewares are those of `app.route()`.

    declare: the `route()` of an app or a blueprint.

    Raises: ConfigurationError
    """

    def __init__(self, declare: Callable[..., Callable[[Any], Any]]) -> None:
        self._declare = declare

    def get(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer GET, and HEAD where no other handler does."""
        return self._route("GET", paths, options, middlewares)

    def head(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer HEAD."""
        return self._route("HEAD", paths, options, middlewares)

    def post(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer POST."""
        return self._route("POST", paths, options, middlewares)

    def put(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer PUT."""
        return self._route("PUT", paths, options, middlewares)

    def patch(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer PATCH."""
        return self._route("PATCH", paths, options, middlewares)

    def delete(
        self,
        paths: str | Iterable[str],
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Answer DELETE."""
        return self._route("DELETE", paths, options, middlewares)

    def _route(
        self,
        method: str,
        paths: str | Iterable[str],
        options: Options,
        middlewares: Iterable[Middleware],
    ) -> Callable[[H], H]:
        if inspect.isroutine(paths):
            example = f'@app.http.{method.lower()}("/...")'
            raise ConfigurationError(f"the path is missing: write {example} on {name_of(paths)}")
        routes = [paths] if isinstance(paths, str) else paths
        return self._declare(
            routes,
            type=RouteTypes.HTTP,
            options=options,
            middlewares=middlewares,
            methods=[method],
        )
