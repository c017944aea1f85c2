"""Routes, put into a web.Application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.http.path import same_requests
from asyncworker.http.recorded import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from asyncworker.feed import Activity
    from asyncworker.http.endpoint import Endpoint, Expect
    from asyncworker.http.route import HTTPRoute


def add(application: web.Application, routes: Iterable[tuple[HTTPRoute, Activity | None]]) -> None:
    """Add all endpoints, those of one path together; HEAD goes to GET's where it has no own.

    routes: each with what is told of its requests, if anything is.
    """
    by_path: dict[str, dict[str, tuple[Endpoint, Expect | None]]] = {}
    own_heads: set[str] = set()
    for route, activity in routes:
        for (method, path), endpoint in route.endpoints.items():
            if activity is not None and activity.recording is not None:
                source = f"{method} {path}"
                endpoint = recorded(endpoint, activity, activity.recording, source)
            expect = route.expects.get((method, path))
            by_path.setdefault(path, {})[method] = endpoint, expect
            if method == "HEAD":
                own_heads.add(same_requests(path))
    for path, endpoints in by_path.items():
        resource = application.router.add_resource(path)
        if "GET" in endpoints and same_requests(path) not in own_heads:
            resource.add_route("HEAD", endpoints["GET"][0])
        for method, (endpoint, expect) in endpoints.items():
            resource.add_route(method, endpoint, expect_handler=expect)
