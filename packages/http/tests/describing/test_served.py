"""Documents that an app serves itself."""

import json
import sys

import pytest

from asyncworker.describing.documents import document
from asyncworker.errors import ConfigurationError


async def orders(limit: int = 10) -> list[int]:
    """Tell the orders."""
    return [limit]


async def got(client, path):
    async with client.get(path) as response:
        return response, await response.text()


async def test_they_are_those_of_the_command(app, serving):
    app.http.describe(title="Shop", version="2")
    # Also what is declared later.
    app.http.get("/orders")(orders)
    async with serving(app) as client:
        for name in ("openapi", "asyncapi"):
            response, text = await got(client, f"/{name}.json")
            assert response.content_type == "application/json"
            assert json.loads(text) == document(app, name, "Shop", "2")


async def test_the_page_asks_for_nothing_else(app, serving):
    app.http.describe("/v1")
    app.http.get("/orders")(orders)
    async with serving(app) as client:
        response, text = await got(client, "/v1/docs")
        assert (response.content_type, response.charset) == ("text/html", "utf-8")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Tell the orders." in text
        assert '<a href="openapi.json">OpenAPI</a>' in text
        response, _ = await got(client, "/v1/openapi.json")
        assert response.status == 200


async def test_they_are_made_once_for_each_run(app, serving, monkeypatch):
    app.http.describe()
    app.http.get("/orders")(orders)
    async with serving(app) as client:
        module = sys.modules["asyncworker.http.describing.served"]
        monkeypatch.setattr(module, "document", None)
        response, _ = await got(client, "/openapi.json")
        assert response.status == 200


async def test_nothing_is_told_of_their_requests(app, serving):
    app.http.describe()
    async with serving(app) as client:
        await got(client, "/docs")
        assert app.feed.activities == []


def test_a_prefix_is_a_plain_path(app):
    with pytest.raises(ConfigurationError, match="the documents' prefix is a plain path"):
        app.http.describe("/{id}")
    with pytest.raises(ConfigurationError, match="a prefix begins with /"):
        app.http.describe("docs")


def test_a_path_that_is_taken_is_an_error(app):
    app.http.get("/docs")(orders)
    with pytest.raises(ConfigurationError, match="GET /docs has a handler already"):
        app.http.describe()
    app.http.describe("/-")


async def test_a_running_app_is_not_changed(app, serving):
    app.http.get("/orders")(orders)
    async with serving(app):
        with pytest.raises(ConfigurationError, match="the app runs already: call describe"):
            app.http.describe()
