"""What SSEConnection and its routes take, and what they say about what they do not."""

import ssl
import traceback

import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import SSEConnection as Offered
from asyncworker.errors import ConfigurationError
from asyncworker.options import RouteOptions
from asyncworker.sse import SSEConnection, SSEOptions
from asyncworker.sse.settings import SSESettings
from asyncworker.testing import TestApp


class OtherOptions(RouteOptions):
    on_success: Actions = Actions.ACK


async def handler(events):
    pass


def app_with(*connections):
    return App(connections=connections or [SSEConnection("http://h")])


def test_is_offered_by_core_and_found_in_the_app():
    connection = SSEConnection(url="http://172.18.0.31:8080/")
    app = App(connections=[connection])
    assert Offered is SSEConnection
    assert app["sse_connection"] is connection
    assert app[RouteTypes.SSE]["connection"] is connection


@pytest.mark.parametrize(
    ("url", "route", "expected"),
    [
        ("http://h:8080/", "/v2/events", "http://h:8080/v2/events"),
        ("http://h:8080", "/v2/events", "http://h:8080/v2/events"),
        ("http://h", "v2/events", "http://h/v2/events"),
        ("http://h/base", "/events", "http://h/base/events"),
        ("http://h/base/", "/events", "http://h/base/events"),
        ("HTTPS://H/base", "/", "https://h/base/"),
        ("http://h", "/events?a=1&b=x/y", "http://h/events?a=1&b=x/y"),
        ("http://h", "/events?to=http://x/", "http://h/events?to=http://x/"),
        ("http://h", "/a b/é%2F#part", "http://h/a%20b/%C3%A9%2F"),
        ("http://[::1]:81/", "/x", "http://[::1]:81/x"),
        ("http://h", "//other/x", "http://h//other/x"),
    ],
)
def test_joins_the_path_of_a_route_to_the_url(url, route, expected):
    assert expected == str(SSEConnection(url).endpoint(route).url)


def test_takes_the_credentials_out_of_the_url():
    connection = SSEConnection("http://me:p%40ss@h:81/x")
    endpoint = connection.endpoint("/y")
    assert "http://h:81/x" == str(connection.url)
    assert "http://h:81/x/y" == str(endpoint.url)
    assert "Basic bWU6cEBzcw==" == endpoint.headers["Authorization"]


def test_takes_credentials_by_argument():
    connection = SSEConnection("http://h", user="mé", password="")
    assert "Basic bcOpOg==" == connection.headers["authorization"]


def test_shows_no_credentials():
    connection = SSEConnection("http://me:s3cret@h", headers={"X-Key": "s3cret"}, name="main")
    app = app_with(connection)
    app.route(["/x?key=s3cret"], type=RouteTypes.SSE, headers={"Cookie": "s3cret"})(handler)
    (route,) = app.routes
    assert "SSEConnection('http://h', name='main')" == repr(connection)
    for shown in (repr(connection), repr(route), repr(route.endpoints)):
        assert "s3cret" not in shown
        assert "bWU6" not in shown


def test_headers_of_the_route_go_before_those_of_the_connection_in_any_case():
    connection = SSEConnection("http://h", "me", "pw", headers={"X-A": "1", "x-b": "1"})
    headers = connection.endpoint("/", {"X-B": "2", "authorization": "Bearer t"}).headers
    assert {"X-A": "1", "X-B": "2", "authorization": "Bearer t"} == dict(headers)
    assert "1" == connection.headers["X-B"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": None}, "SSEConnection needs url=, or set ASYNCWORKER_SSE_URL"),
        ({"url": None, "user": "me"}, "SSEConnection needs url=, or set ASYNCWORKER_SSE_URL"),
        ({"url": b"http://me:s3cret@h"}, "url must be a string, got bytes"),
        ({"url": "h:80"}, "url must start with http:// or https://"),
        ({"url": "ftp://me:s3cret@h"}, "url must start with http:// or https://"),
        ({"url": "http:///x"}, "url names no host"),
        ({"url": "http://me:s3cret@ho st/"}, "url names no host"),
        ({"url": "http://me:s3cret@h:x/"}, "url is not well formed"),
        ({"url": "http://me:s3cret@h:99999/"}, "url is not well formed"),
        ({"url": "http://me:1/s3cret@h/"}, "url has an @ in its path"),
        ({"url": "http://me:/s3cret@h/"}, "url has an @ in its path"),
        ({"url": "http://me:s3cret/1@h/"}, "url is not well formed"),
        ({"url": "http://h/?a=s3cret"}, "url takes neither query nor fragment"),
        ({"url": "http://h/#a"}, "url takes neither query nor fragment"),
        ({"url": "http://me:s3cret@h", "user": "me"}, "both hold a login: give one"),
        ({"user": "me"}, "password= is missing"),
        ({"password": "s3cret"}, "user= is missing"),
        ({"user": "a:s3cret", "password": "s3cret"}, "user must not hold a colon"),
        ({"user": 1, "password": "s3cret"}, "user must be a string, got int"),
        ({"user": "me", "password": 1}, "password must be a string, got int"),
        (
            {"user": "me", "password": "s3cret", "headers": {"authorization": "x"}},
            "both given",
        ),
        ({"headers": [("a", "b")]}, "headers must be a dict, got list"),
        ({"headers": {"a b": "s3cret"}}, "'a b' is no name of a header"),
        ({"headers": {"Authorization: s3cret": ""}}, "a name holds a colon"),
        ({"headers": {1: "s3cret"}}, "1 is no name of a header"),
        ({"headers": {"a": 1}}, "'a' must be a string, got int"),
        ({"headers": {"a": "s3cret\r\nb: c"}}, "'a' holds a line break"),
        ({"name": ""}, "name must be a non-empty string"),
        ({"connect_timeout": 0}, "connect_timeout must be a number of seconds above 0, got 0"),
        ({"connect_timeout": None}, "connect_timeout must be a number"),
        ({"read_timeout": True}, "read_timeout must be a number of seconds above 0, got True"),
        ({"read_timeout": "5"}, "read_timeout must be a number"),
        ({"read_timeout": float("inf")}, "read_timeout must be a number"),
        ({"read_timeout": float("nan")}, "read_timeout must be a number"),
        ({"max_event_size": 0}, "max_event_size must be an int of bytes above 0, got 0"),
        ({"max_event_size": 1.5}, "max_event_size must be an int"),
        ({"ssl": True}, "ssl must be an SSLContext, got True"),
    ],
)
def test_refuses_what_cannot_work_in_one_line_without_secrets(arguments, message):
    with pytest.raises(ConfigurationError) as caught:
        SSEConnection(**{"url": "http://h", **arguments})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_url_it_is_the_one_of_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SSE_URL", "http://me:p%40ss@h:81/x")
    connection = SSEConnection(name="main")
    assert "Basic bWU6cEBzcw==" == connection.headers["Authorization"]
    assert "SSEConnection('http://h:81/x', name='main')" == repr(connection)
    assert "SSEConnection('http://other')" == repr(SSEConnection("http://other"))
    assert "p%40ss" not in repr(SSESettings.load())


def test_a_login_by_arguments_goes_with_the_url_of_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SSE_URL", "http://h")
    connection = SSEConnection(user="mé", password="")
    assert "Basic bcOpOg==" == connection.headers["authorization"]


@pytest.mark.parametrize(
    ("url", "arguments", "message"),
    [
        ("", {}, "url must start with http:// or https://"),
        ("ftp://me:s3cret@h", {}, "url must start with http:// or https://"),
        ("http://me:s3cret@h:x/", {}, "url is not well formed"),
        ("http://h/?a=s3cret", {}, "url takes neither query nor fragment"),
        ("http://me:s3cret@h", {"user": "me"}, "url and user= or password= both hold a login"),
        ("http://h", {"user": "me"}, "password= is missing"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable_and_no_secret(
    monkeypatch, url, arguments, message
):
    monkeypatch.setenv("ASYNCWORKER_SSE_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        SSEConnection(**arguments)
    assert str(caught.value).startswith(f"ASYNCWORKER_SSE_URL: {message}")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_misspelt_variable_is_told_before_that_none_is_set(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SSE_ULR", "http://h")
    with pytest.raises(ConfigurationError, match=r"did you mean ASYNCWORKER_SSE_URL\?"):
        SSEConnection()


async def test_an_app_under_test_reads_no_server(monkeypatch, inbox):
    monkeypatch.setenv("ASYNCWORKER_SSE_URL", "https://unreachable")
    app = App(connections=[SSEConnection()])
    app.route(["/prices"], type=RouteTypes.SSE)(inbox)
    async with TestApp(app) as worker:
        await worker.feed("/prices", "1")
        assert ["1"] == await inbox.data(1)


def test_a_read_timeout_may_be_none():
    assert SSEConnection("http://h", read_timeout=None).read_timeout is None


def test_an_ssl_context_is_for_the_endpoints():
    context = ssl.create_default_context()
    assert SSEConnection("https://h", ssl=context).endpoint("/").ssl is context


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"options": {Events.ON_SUCCESS: Actions.ACK}}, "takes no option Events.ON_SUCCESS"),
        ({"options": OtherOptions(on_success=Actions.REJECT)}, "takes no option Events.ON_SUCCESS"),
        ({"options": {Options.BULK_SIZE: 0}}, "Options.BULK_SIZE"),
        ({"options": {Options.MAX_CONCURRENCY: 0}}, "Options.MAX_CONCURRENCY"),
        ({"options": {Options.MAX_CONCURRENCY: None}}, "Options.MAX_CONCURRENCY"),
        ({"headers": {"a": 1}}, "'a' must be a string"),
        ({"vhost": "/"}, "takes no 'vhost'"),
        ({"connection": "other"}, "connection='other' is no SSEConnection of this app"),
        ({"routes": ["http://me:s3cret@other/events"]}, "must be a path, to be joined to http://h"),
        ({"routes": "/events"}, "routes must be a list"),
        ({"routes": []}, "routes is empty"),
    ],
)
def test_refuses_a_route_that_cannot_work_where_it_is_declared(arguments, message):
    arguments = {"routes": ["/events"], **arguments}
    with pytest.raises(ConfigurationError) as caught:
        app_with().route(type=RouteTypes.SSE, **arguments)(handler)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_refuses_a_path_that_no_url_can_hold(monkeypatch):
    def refuse(*_):
        raise ValueError

    connection = SSEConnection("http://h")
    monkeypatch.setattr("asyncworker.sse.address.URL", refuse)
    with pytest.raises(ConfigurationError, match="is no path of a URL"):
        connection.endpoint("/x?s3cret")


def test_refuses_a_handler_that_takes_no_list():
    with pytest.raises(ConfigurationError, match="the list of events"):

        @app_with().route(["/events"], type=RouteTypes.SSE)
        async def handler():
            pass


def test_needs_a_connection_and_a_choice_among_several():
    with pytest.raises(ConfigurationError, match=r"App\(connections=\[SSEConnection"):
        App().route(["/x"], type=RouteTypes.SSE)(handler)
    one, other = SSEConnection("http://a", name="one"), SSEConnection("http://b")
    app = app_with(one, other)
    with pytest.raises(ConfigurationError, match="several of SSEConnection"):
        app.route(["/x"], type=RouteTypes.SSE)(handler)
    app.route(["/x"], type=RouteTypes.SSE, connection="one")(handler)
    app.route(["/x"], type=RouteTypes.SSE, connection=other)(handler)
    assert [one, other] == [route.connection for route in app.routes]


def test_handles_one_batch_at_a_time_unless_told_otherwise():
    assert 1 == SSEOptions().max_concurrency
    assert 3 == SSEOptions(max_concurrency=3).max_concurrency


def test_adds_nothing_to_an_app():
    with pytest.raises(AttributeError):
        _ = App().sse
