"""Handlers of a module whose annotations are all text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web  # noqa: TC002 (evaluated when the route is declared)

from asyncworker import App  # noqa: TC001

if TYPE_CHECKING:
    from nowhere import Answer


@dataclass
class Order:
    id: int


async def test_every_kind_of_parameter_is_filled(app, serving):
    @dataclass
    class Local:
        name: str

    @app.http.post("/{id}")
    async def create(
        id: int, order: Local, request: web.Request, app: App, page: int | None = None
    ) -> Answer:
        return [id, order.name, request.path, type(app).__name__, page]

    @app.http.put("/{id}")
    async def replace(id: int, order: Order) -> Answer:
        return [id, order.id]

    async with serving(app) as client:
        async with client.post("/1?page=2", json={"name": "x"}) as response:
            assert await response.json() == [1, "x", "/1", "App", 2]
        async with client.put("/1", json={"id": 2}) as response:
            assert await response.json() == [1, 2]
