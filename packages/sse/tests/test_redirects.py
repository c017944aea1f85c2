"""Where redirects lead, and what goes along."""

import pytest

from asyncworker import App, RouteTypes
from asyncworker.sse import SSEConnection

SECRETS = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret"}


@pytest.fixture
def app(server, inbox):
    app = App(connections=[SSEConnection(server.url, headers=SECRETS)])
    app.route(["/x"], type=RouteTypes.SSE, headers={"X-Route": "s3cret"})(inbox)
    return app


def holds_secrets(stream):
    return "s3cret" in str(stream.headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_follows_redirects_within_the_origin_with_all_headers(app, server, inbox, status):
    async with app.started():
        (await server.accept()).respond(status, Location="y/z?a=b")
        stream = await server.stream()
        await stream.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
    assert "/y/z?a=b" == stream.request.path_qs
    assert "s3cret" == stream.headers["X-Route"]
    assert SECRETS.items() <= dict(stream.headers).items()


async def test_sends_no_header_of_the_user_to_another_origin(app, server, serve, inbox):
    other = await serve()
    async with app.started():
        (await server.accept()).respond(302, Location=f"{other.url}/y")
        stream = await other.stream()
        await stream.send(b"id: 5\ndata: 1\n\n")
        assert ["1"] == await inbox.data(1)
        assert not holds_secrets(stream)
        assert "text/event-stream" == stream.headers["Accept"]
        await stream.end()
        again = await server.accept()
        assert "5" == again.headers["Last-Event-ID"]


async def test_sends_no_login_to_another_origin(server, serve, inbox):
    other = await serve()
    app = App(connections=[SSEConnection(server.url, user="me", password="s3cret")])
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        stream = await server.accept()
        assert "Authorization" in stream.headers
        stream.respond(307, Location=f"{other.url}/y")
        assert "Authorization" not in (await other.accept()).headers


async def test_who_sends_the_client_back_does_not_borrow_its_credentials(app, server, serve):
    other = await serve()
    async with app.started():
        (await server.accept()).respond(302, Location=f"{other.url}/y")
        (await other.accept()).respond(302, Location=f"{server.url}/delete-everything")
        assert not holds_secrets(await server.accept())


async def test_uses_no_login_that_a_redirect_holds(app, server, serve, logs):
    other = await serve()
    async with app.started():
        location = other.url.replace("//", "//you:pw@")
        (await server.accept()).respond(302, Location=location)
        stream = await other.accept()
        assert "Authorization" not in stream.headers


async def test_keeps_no_cookies(server, inbox):
    # Of an address without a name no client keeps any.
    app = App(connections=[SSEConnection(server.url.replace("127.0.0.1", "localhost"))])
    app.route(["/x"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        (await server.accept()).respond(302, Location="/y", Set_Cookie="b=1")
        stream = await server.accept()
        assert "/y" == stream.request.path
        assert "Cookie" not in stream.headers


async def test_each_reconnect_starts_at_the_configured_url(app, server, serve):
    other = await serve()
    async with app.started():
        for _ in range(3):
            stream = await server.accept()
            assert "/x" == stream.request.path
            assert holds_secrets(stream)
            stream.respond(301, Location=f"{other.url}/y")
            await (await other.stream()).end()


async def test_a_204_behind_a_redirect_ends_the_stream_too(app, server, logs):
    async with app.started():
        (await server.accept()).respond(302, Location="/y")
        (await server.accept()).respond(204)
        await logs.wait("this stream is over")
