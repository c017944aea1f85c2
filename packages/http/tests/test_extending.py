"""aiohttp's own things beside the routes of an app."""

import asyncio

import pytest
from aiohttp import ClientSession, WSCloseCode, WSMsgType, web

from asyncworker import App
from asyncworker.errors import ConfigurationError, DrainTimeout, HookFailed
from asyncworker.http.serving.server import Server
from asyncworker.http.settings import Settings


@pytest.fixture
def app(app):
    @app.http.get("/hello/{name}")
    async def hello(name: str):
        return f"hello {name}"

    return app


async def test_a_middleware_sees_every_request_and_answer(app, serving):
    @web.middleware
    async def stamp(request, handler):
        response = await handler(request)
        response.headers["X-Path"] = request.path
        return response

    @app.http.configure
    def configure(application):
        application.middlewares.append(stamp)

    async with serving(app) as client, client.get("/hello/x") as response:
        assert await response.text() == "hello x"
        assert response.headers["X-Path"] == "/hello/x"


async def test_a_middleware_may_answer_for_refused_requests(app, serving):
    @web.middleware
    async def own_words(request, handler):
        try:
            return await handler(request)
        except web.HTTPException as error:
            return web.Response(status=error.status, text="in my own words")

    @app.http.get("/items/{id}")
    async def item(id: int): ...

    app.http.configure(lambda application: application.middlewares.append(own_words))
    async with serving(app) as client:
        for path, status in (("/items/x", 400), ("/none", 404)):
            async with client.get(path) as response:
                assert (response.status, await response.text()) == (status, "in my own words")


async def test_signals_are_sent_by_the_application_and_by_what_is_below_it(app, serving):
    async def stamp(request, response):
        response.headers["X-Path"] = request.path

    async def listed(request):
        return web.Response()

    @app.http.configure
    def configure(application):
        for prefix, signals in (("/loud/", [stamp]), ("/quiet/", [])):
            below = web.Application()
            below.router.add_get("/list", listed)
            below.on_response_prepare.extend(signals)
            application.add_subapp(prefix, below)

    async with serving(app) as client:
        for path, sent in (("/loud/list", "/loud/list"), ("/quiet/list", None), ("/hello/x", None)):
            async with client.get(path) as response:
                assert response.headers.get("X-Path") == sent
                assert response.headers["Server"] == "asyncworker"


async def test_a_signal_of_the_application_is_sent_for_each_route(app, serving):
    async def stamp(request, response):
        response.headers["X-Path"] = request.path

    app.http.configure(lambda application: application.on_response_prepare.append(stamp))
    async with serving(app) as client, client.get("/hello/x") as response:
        assert response.headers["X-Path"] == "/hello/x"


async def test_a_sub_application_serves_below_its_prefix(app, serving):
    async def index(request):
        return web.Response(text="admin")

    @app.http.configure
    def configure(application):
        admin = web.Application()
        admin.router.add_get("/", index)
        application.add_subapp("/admin/", admin)

    async with serving(app) as client:
        for path, text in (("/admin/", "admin"), ("/hello/x", "hello x")):
            async with client.get(path) as response:
                assert await response.text() == text


async def test_static_files_are_served(app, serving, tmp_path):
    (tmp_path / "style.css").write_text("p {}")

    @app.http.configure
    def configure(application):
        application.router.add_static("/static/", tmp_path)

    async with serving(app) as client:
        async with client.get("/static/style.css") as response:
            assert (response.status, await response.text()) == (200, "p {}")
        async with client.get("/static/../conftest.py") as response:
            assert response.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "../private",
        "%2e%2e/private",
        "..%2fprivate",
        "%252e%252e%252fprivate",
        "..%5cprivate",
        "%c0%ae%c0%ae/private",
        "..%2fstatic-beside%2fprivate",
        "link",
        "%00",
        "private%00",
        "{folder}/private",
        "%2f{folder}/private",
        "..%2f" * 50 + "{folder}/private",
        "x" * 5000,
    ],
    ids=lambda path: path[:30],
)
async def test_no_path_leads_out_of_a_static_folder(app, connect, logs, tmp_path, path):
    static, beside = tmp_path / "static", tmp_path / "static-beside"
    for folder in (static, beside):
        folder.mkdir()
    for folder in (tmp_path, beside):
        (folder / "private").write_text("secret")
    (static / "link").symlink_to(tmp_path / "private")
    app.http.configure(lambda application: application.router.add_static("/static/", static))
    target = f"/static/{path.format(folder=tmp_path)}"
    async with app.started():
        wire = await connect(app)
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await wire.rest()
    assert answer.startswith("HTTP/1.1 404 ")
    assert "secret" not in answer
    assert logs.errors == []


@pytest.mark.parametrize("declared", ["as a route", "by aiohttp"])
async def test_websockets_work_and_are_closed_at_the_end(app, declared):
    open_ones = set()

    async def echo(request: web.Request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        open_ones.add(socket)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        open_ones.discard(socket)
        return socket

    async def close_all(application):
        for socket in set(open_ones):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    @app.http.configure
    def configure(application):
        if declared == "by aiohttp":
            application.router.add_get("/echo", echo)
        application.on_shutdown.append(close_all)

    if declared == "as a route":
        app.http.get("/echo")(echo)
    async with asyncio.timeout(60), ClientSession() as client:
        async with app.started():
            socket = await client.ws_connect(f"{app.http.url}/echo")
            await socket.send_str("hi")
            assert await socket.receive_str() == "hi!"
        last = await socket.receive()
        assert (last.type, last.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
        await socket.close()


async def test_each_run_has_an_application_of_its_own(app, serving):
    applications = []
    assert app.http.configure(applications.append) == applications.append
    for _ in range(2):
        async with serving(app) as client, client.get("/hello/x") as response:
            assert await response.text() == "hello x"
    first, second = applications
    assert first is not second


async def test_a_hook_may_be_asynchronous_and_startup_and_cleanup_are_called(app):
    calls = []

    @app.http.configure
    async def configure(application):
        await asyncio.sleep(0)
        for name in ("startup", "shutdown", "cleanup"):

            async def call(_application, name=name):
                calls.append(name)

            getattr(application, f"on_{name}").append(call)

    async with app.started():
        assert calls == ["startup"]
    assert calls == ["startup", "shutdown", "cleanup"]


async def test_a_hook_that_raises_stops_the_start(app):
    @app.http.configure
    def configure(application):
        raise ValueError("no")

    with pytest.raises(HookFailed, match=r"configure hook .*configure raised ValueError\('no'\)"):
        async with app.started():
            pytest.fail("it started")


async def test_a_cleanup_that_raises_is_not_hidden(app):
    async def fail(application):
        raise ValueError("no")

    app.http.configure(lambda application: application.on_cleanup.append(fail))
    with pytest.raises(ValueError, match="no"):
        async with app.started():
            pass


async def test_a_cleanup_that_raises_after_another_error_is_logged(logs):
    async def fail(application):
        raise ValueError("no")

    application = web.Application()
    application.on_cleanup.append(fail)
    with pytest.raises(KeyError):
        async with Server(application, Settings.load()).listening():
            raise KeyError
    assert logs.matching("the server did not end cleanly: ValueError('no')")


async def test_a_cleanup_that_hangs_is_cut_short_at_the_deadline(monkeypatch, logs):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0.1")
    monkeypatch.setattr("asyncworker.http.serving.server.CANCEL_GRACE", 0.1)
    app = App()

    @app.http.get("/")
    async def index(): ...

    async def hang(application):
        await asyncio.Event().wait()

    app.http.configure(lambda application: application.on_cleanup.append(hang))
    with pytest.raises(DrainTimeout):
        async with app.started():
            pass


async def test_a_startup_that_raises_is_cleaned_up_and_not_hidden(app):
    ended = []

    async def fail(application):
        raise ValueError("no")

    async def resource(application):
        yield
        ended.append(True)

    @app.http.configure
    def configure(application):
        application.cleanup_ctx.append(resource)
        application.on_startup.append(fail)

    with pytest.raises(ValueError, match="no"):
        async with app.started():
            pytest.fail("it started")
    assert ended == [True]


@pytest.mark.parametrize(
    ("hook", "reason"), [(1, "a hook must be a function"), (lambda: None, "cannot be called with")]
)
def test_what_cannot_be_a_hook_is_an_error(app, hook, reason):
    with pytest.raises(ConfigurationError, match=reason):
        app.http.configure(hook)


async def test_no_hook_can_be_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match="the app runs already"):
            app.http.configure(print)


async def test_errors_of_plain_aiohttp_handlers_are_logged_by_aiohttp(app, serving, logs):
    async def fail(request):
        raise ValueError("no")

    app.http.configure(lambda application: application.router.add_get("/fail", fail))
    async with serving(app) as client, client.get("/fail") as response:
        assert response.status == 500
        assert "ValueError" not in await response.text()
    [record] = logs.errors
    assert isinstance(record.exc_info[1], ValueError)
