"""Headers that a function tells: tokens expire, and a server is asked with the one of now."""

import asyncio

import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.sse import SSEConnection
from asyncworker.testing import TestApp


@pytest.fixture
def app_with(server, inbox):
    """Return an app with one stream, whose headers are these."""

    def app_with(headers=None, of_route=None, **login):
        app = App(connections=[SSEConnection(server.url, headers=headers, **login)])
        app.route(["/x"], type=RouteTypes.SSE, headers=of_route)(inbox)
        return app

    return app_with


@pytest.mark.parametrize("is_async", [False, True])
async def test_are_asked_for_at_each_attempt_to_connect(app_with, server, is_async):
    numbers = iter(range(10))

    def token():
        return {"Authorization": f"Bearer {next(numbers)}"}

    async def later():
        await asyncio.sleep(0)
        return token()

    async with app_with(later if is_async else token).started():
        for number in range(3):
            stream = await server.stream()
            assert stream.headers["Authorization"] == f"Bearer {number}"
            await stream.end()


async def test_those_of_the_route_go_before_those_of_the_connection(app_with, server):
    app = app_with(
        lambda: {"X-A": "connection", "X-B": "connection", "X-C": "connection"},
        {"x-b": "route"},
    )
    other = app_with({"X-A": "connection", "X-B": "connection"}, lambda: {"x-b": "route"})
    for one in (app, other):
        async with one.started():
            headers = (await server.stream()).headers
            assert (headers["X-A"], headers.getall("X-B")) == ("connection", ["route"])


async def test_what_a_function_tells_goes_before_the_login(app_with, server):
    app = app_with(lambda: {"authorization": "Bearer 1"}, user="me", password="pw")
    async with app.started():
        assert (await server.stream()).headers.getall("Authorization") == ["Bearer 1"]


async def test_no_redirect_takes_them_elsewhere(app_with, server, serve):
    other = await serve()
    async with app_with(lambda: {"X-Token": "s3cret"}).started():
        stream = await server.accept()
        assert stream.headers["X-Token"] == "s3cret"
        stream.respond(302, Location=f"{other.url}/y")
        assert "X-Token" not in (await other.stream()).headers


async def test_a_function_that_fails_is_a_failed_attempt_like_any(
    app_with, server, inbox, logs, failing_token
):
    app = app_with(
        failing_token(
            KeyError("s3cret"),
            asyncio.CancelledError("s3cret"),
            None,
            {"X-Token": b"s3cret"},
            {"X-Token": "s3cret\n"},
            {},
        )
    )
    async with app.started():
        stream = await server.stream()
        await stream.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
    for reason in (
        "token raised KeyError",
        "token raised CancelledError",
        "headers must be a dict, got NoneType",
        "headers: 'X-Token' must be a string, got bytes",
        "headers: 'X-Token' holds a line break",
    ):
        (record,) = logs.matching(reason)
        assert record.getMessage().endswith("; trying again")
        assert record.exc_info is None
    assert "s3cret" not in logs.written()


async def test_one_that_never_answers_fails_in_time(server, logs):
    async def never():
        await asyncio.Event().wait()

    app = App(connections=[SSEConnection(server.url, headers=never, connect_timeout=0.05)])
    app.route(["/x"], type=RouteTypes.SSE)(never_called)
    async with app.started():
        await logs.wait("headers: ", count=1)
    assert logs.matching("raised TimeoutError; trying again")


async def test_a_test_asks_for_none(app_with, inbox):
    asked = []
    async with TestApp(app_with(lambda: asked.append("asked") or {})) as worker:
        worker.feed("/x", "1")
        assert ["1"] == await inbox.data(1)
    assert asked == []


def test_a_function_with_parameters_is_an_error_where_it_is_given(app_with):
    def token(stream): ...

    for arguments in ((token,), (None, token)):
        with pytest.raises(ConfigurationError, match="token must need no arguments"):
            app_with(*arguments)


async def never_called(events):
    raise AssertionError(events)
