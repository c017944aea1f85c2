"""What the server tells of itself: its name, and no versions."""

import pytest
from aiohttp import web

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def app(app):
    app.http.get("/file")(file)
    app.http.get("/own")(own)
    app.http.get("/raised/{status}")(refuse)
    app.http.get("/sent")(send)
    app.http.get("/value")(value)
    app.http.configure(configure)
    return app


async def value():
    return {}


async def file():
    return web.FileResponse(__file__)


async def own():
    return "", 200, {"Server": "mine/1.0"}


async def send(request: web.Request):
    response = web.StreamResponse()
    await response.prepare(request)
    return response


async def refuse(status: int):
    raise web.HTTPConflict if status == 409 else ValueError


async def fail(request):
    raise ValueError


def configure(application: web.Application):
    application.router.add_get("/aiohttp/fail", fail)
    sub = web.Application()
    sub.router.add_get("/fail", fail)
    application.add_subapp("/sub/", sub)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/value", 200),
        ("/file", 200),
        ("/sent", 200),
        ("/raised/409", 409),
        ("/raised/500", 500),
        ("/none/such", 404),
        ("/sub/none", 404),
        ("/aiohttp/fail", 500),
        ("/sub/fail", 500),
    ],
)
async def test_every_answer_names_the_server_without_versions(app, serving, path, status):
    async with serving(app) as client, client.get(path) as response:
        assert response.status == status
        assert response.headers.getall("Server") == ["asyncworker"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no http\r\n\r\n", 400),
        (REQUEST.replace(b"x", b"a b"), 400),
        (REQUEST.replace(b"GET", b"DELETE").replace(b"/ ", b"/value "), 405),
        (REQUEST.replace(b"/ ", b"/value ").replace(b"\r\n\r\n", b"\r\nExpect: x\r\n\r\n"), 417),
        (REQUEST.replace(b"x", b"x\r\nX-Long: " + b"x" * 10_000), 400),
    ],
)
async def test_so_does_what_aiohttp_answers_by_itself(app, connect, sent, status):
    async with app.started():
        wire = await connect(app)
        wire.send(sent)
        answer = await wire.rest()
    assert f" {status} " in answer.splitlines()[0]
    assert "\r\nServer: asyncworker\r\n" in answer
    assert answer.count("Server: ") == 1
    assert "aiohttp" not in answer
    assert "Python" not in answer


async def test_a_name_that_a_handler_gives_stays(app, serving):
    async with serving(app) as client, client.get("/own") as response:
        assert response.headers.getall("Server") == ["mine/1.0"]


async def test_a_websocket_names_it_too(app, serving):
    @app.http.get("/socket/echo")
    async def echo(request: web.Request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async with serving(app) as client, client.ws_connect("/socket/echo") as socket:
        assert socket._response.headers["Server"] == "asyncworker"
