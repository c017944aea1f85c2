"""What a route takes, and how requests find it."""

import traceback
from pathlib import Path

import pytest

from asyncworker import App, Options, RouteOptions, RouteTypes
from asyncworker.errors import ConfigurationError

HERE = Path(__file__).name


async def test_serves_every_path_and_method_of_its_lists(app, serving):
    @app.route(routes=["/", "/hello"], methods=["GET", "POST"], type=RouteTypes.HTTP)
    async def index():
        return "Hello world"

    async with serving(app) as client:
        for method in ("GET", "POST"):
            for path in ("/", "/hello"):
                async with client.request(method, path) as response:
                    assert response.status == 200
                    assert await response.text() == "Hello world"


async def test_takes_methods_in_any_case(app, serving):
    @app.route(["/"], type=RouteTypes.HTTP, methods=["post", "Put"])
    async def index(request):
        return request.method

    async with serving(app) as client:
        for method in ("POST", "PUT"):
            async with client.request(method, "/") as response:
                assert await response.text() == method


async def test_answers_get_when_no_method_is_named(app, serving):
    @app.route(["/"], type=RouteTypes.HTTP)
    async def index():
        return "got"

    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == "got"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("paths", ["/a", ["/a", "/b"], ("/a", "/b")])
async def test_each_method_has_a_decorator_for_one_path_or_many(app, serving, method, paths):
    async def handler(request):
        return f"{request.method} {request.path}"

    assert getattr(app.http, method)(paths)(handler) is handler
    async with serving(app) as client:
        for path in [paths] if isinstance(paths, str) else paths:
            async with client.request(method.upper(), path) as response:
                assert await response.text() == f"{method.upper()} {path}"


async def test_decorators_stack(app, serving):
    @app.http.get("/old")
    @app.http.get("/new")
    @app.route(["/newest"], type=RouteTypes.HTTP, methods=["DELETE"])
    async def handler(request):
        return request.path

    async with serving(app) as client:
        for method, path in (("GET", "/old"), ("GET", "/new"), ("DELETE", "/newest")):
            async with client.request(method, path) as response:
                assert await response.text() == path


async def test_head_is_answered_wherever_get_is(app, serving):
    @app.http.get("/{name}")
    async def show(name: str):
        return "body of 13 by"

    async with serving(app) as client, client.head("/x") as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == "13"
        assert await response.read() == b""


async def test_a_handler_of_head_goes_before_that_of_get(app, serving):
    @app.http.get("/{name}")
    async def show(name: str):
        return "get"

    @app.http.head("/{other}")
    async def head(other: str):
        return None, 200, {"X-Other": other}

    async with serving(app) as client, client.head("/x") as response:
        assert response.headers["X-Other"] == "x"


async def test_the_more_explicit_path_wins_whatever_the_order(app, serving):
    @app.http.get("/users/{name}")
    async def show(name: str):
        return name

    @app.http.get("/users/me")
    async def me():
        return "it is me"

    async with serving(app) as client, client.get("/users/me") as response:
        assert await response.text() == "it is me"


async def test_a_path_may_hold_regular_expressions(app, serving):
    @app.http.get(r"/year/{year:\d{4}}")
    async def year(year: int):
        return {"year": year}

    @app.http.get("/files/{tail:.*}")
    async def files(tail: str):
        return tail

    async with serving(app) as client:
        async with client.get("/year/1984") as response:
            assert await response.json() == {"year": 1984}
        async with client.get("/year/84") as response:
            assert response.status == 404
        async with client.get("/files/a/b%20c/d") as response:
            assert await response.text() == "a/b c/d"


async def test_an_unknown_path_is_404_and_an_unknown_method_405(app, serving):
    @app.http.post("/orders")
    async def create(): ...

    async with serving(app) as client:
        async with client.get("/none") as response:
            assert (response.status, await response.text()) == (404, "404: Not Found")
        async with client.get("/orders") as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_methods_of_one_path_may_have_handlers_of_their_own(app, serving):
    @app.http.get("/{a}")
    async def read(a: str):
        return f"read {a}"

    @app.http.put("/{b}")
    async def write(b: str):
        return f"write {b}"

    async with serving(app) as client:
        async with client.get("/x") as response:
            assert await response.text() == "read x"
        async with client.put("/y") as response:
            assert await response.text() == "write y"


@pytest.mark.parametrize(
    ("routes", "methods", "reason"),
    [
        (["hello"], ["GET"], "path 'hello' must start with '/': write '/hello'"),
        (["/{"], ["GET"], "path '/{' cannot be matched: "),
        (["/{1}"], ["GET"], "path '/{1}' cannot be matched: "),
        (["/{a}/{a}"], ["GET"], "path '/{a}/{a}' cannot be matched: "),
        (["/{a:[}"], ["GET"], "path '/{a:[}' cannot be matched: "),
        (["/a?b=1"], ["GET"], "path '/a?b=1' never matches: "),
        (["/{a}#x"], ["GET"], "path '/{a}#x' never matches: "),
        (["/"], ["FETCH"], "unknown method 'FETCH': did you mean PATCH? choose from "),
        (["/"], [1], "unknown method 1: "),
        (["/"], [], "methods is empty"),
        (["/"], "GET", r"methods must be a list: write ['GET'], not 'GET'"),
        (["/"], None, "methods must be a list of names, got None"),
        (["/"], ["GET", "get"], "'GET' is in methods twice"),
        ("/", ["GET"], r"routes must be a list: write ['/'], not '/'"),
        ([], ["GET"], "routes is empty"),
        (["/", "/"], ["GET"], "'/' is in routes twice"),
        (["/{a}", "/{b}"], ["GET"], "GET /{b} has a handler already"),
    ],
)
def test_what_cannot_work_is_an_error_on_the_users_line(app, routes, methods, reason):
    with pytest.raises(ConfigurationError) as caught:

        @app.route(routes, type=RouteTypes.HTTP, methods=methods)
        async def handler(): ...

    assert str(caught.value).startswith(reason)
    assert HERE in {Path(each.filename).name for each in traceback.extract_tb(caught.tb)}
    assert app.routes == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/", "/"),
        ("/users/{id}", "/users/{id}"),
        ("/users/{id}", "/users/{name}"),
        (r"/users/{id:\d+}", r"/users/{number:\d+}"),
        ("/{a}/x/{b}", "/{b}/x/{a}"),
    ],
)
def test_two_handlers_for_one_method_and_path_are_an_error(app, first, second):
    @app.http.get(first)
    async def one(): ...

    with pytest.raises(ConfigurationError, match="has a handler already: choose another"):

        @app.http.get(second)
        async def other(): ...

    @app.http.post(second)
    async def another(): ...


@pytest.mark.parametrize("second", ["/users/me", r"/users/{id:\d+}", "/users/{id}/x"])
def test_paths_that_differ_may_have_handlers_of_their_own(app, second):
    for path in ("/users/{id}", second):
        app.http.get(path)(_nothing)
    assert len(app.routes) == 2


async def _nothing(): ...


@pytest.mark.parametrize("options", [{Options.BULK_SIZE: 2}, RouteOptions(bulk_size=2)])
def test_options_of_other_backends_are_an_error(app, options):
    message = r"^this route takes no option Options\.BULK_SIZE: .*Options\.TIMEOUT$"
    with pytest.raises(ConfigurationError, match=message):
        app.route(["/"], type=RouteTypes.HTTP, options=options)(_nothing)


def test_arguments_of_other_backends_are_an_error(app):
    with pytest.raises(
        ConfigurationError, match="takes no 'vhost': choose from methods, middlewares, options"
    ):
        app.route(["/"], type=RouteTypes.HTTP, vhost="/")(_nothing)


def test_a_decorator_without_a_path_is_an_error_that_shows_one(app):
    with pytest.raises(ConfigurationError) as caught:
        app.http.get(_nothing)
    assert str(caught.value) == 'the path is missing: write @app.http.get("/...") on _nothing'


def test_a_handler_that_yields_is_an_error(app):
    with pytest.raises(ConfigurationError, match="handler is not async: it yields"):

        @app.http.get("/")
        def handler():
            yield "part"


async def test_no_route_can_be_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match="the app runs already"):
            app.http.get("/")(_nothing)


def test_no_connection_is_needed():
    app = App()
    app.http.get("/")(_nothing)
    assert app.connections.all == ()
