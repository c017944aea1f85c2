from dataclasses import asdict

import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.http.settings import Settings


def test_the_defaults(monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_HTTP_PORT")
    assert asdict(Settings.load()) == {
        "host": "127.0.0.1",
        "port": 8080,
        "body_limit": 1048576,
        "header_limit": 8190,
        "header_timeout": 15.0,
        "body_timeout": 30.0,
        "answer_timeout": 60.0,
        "heartbeat_interval": 15.0,
        "keepalive_timeout": 30.0,
        "access_log": False,
        "sockets": "",
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("body_limit", "1", 1),
        ("header_limit", "100", 100),
        ("header_timeout", "0.5", 0.5),
        ("body_timeout", "5", 5.0),
        ("answer_timeout", "5", 5.0),
        ("heartbeat_interval", "5", 5.0),
        ("keepalive_timeout", "75", 75.0),
        ("access_log", "true", True),
        ("sockets", "3,17", "3,17"),
    ],
)
def test_each_variable_is_read(monkeypatch, name, text, value):
    monkeypatch.setenv(f"ASYNCWORKER_HTTP_{name.upper()}", text)
    assert getattr(Settings.load(), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("HOST", "", "string should have at least 1 character"),
        ("PORT", "http", "input should be a valid integer, unable to parse string as an integer"),
        ("PORT", "65536", "input should be less than or equal to 65535"),
        ("PORT", "-1", "input should be greater than or equal to 0"),
        ("BODY_LIMIT", "0", "input should be greater than or equal to 1"),
        ("HEADER_TIMEOUT", "0", "input should be greater than 0"),
        ("KEEPALIVE_TIMEOUT", "inf", "input should be a finite number"),
        ("SOCKETS", "3,", "string should match pattern '^(\\d+(,\\d+)*)?$'"),
        ("ACCESS_LOG", "perhaps", "input should be a valid boolean, unable to interpret input"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable_and_the_value(
    monkeypatch, app, variable, text, reason
):
    monkeypatch.setenv(f"ASYNCWORKER_HTTP_{variable}", text)
    with pytest.raises(ConfigurationError) as caught:
        _ = app.http
    assert str(caught.value) == f"ASYNCWORKER_HTTP_{variable}: {reason}, got {text!r}"


def test_a_wrong_value_is_an_error_where_the_first_route_is_declared(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "eighty")
    with pytest.raises(ConfigurationError, match=r"^ASYNCWORKER_HTTP_PORT: "):

        @App().route(["/"], type=RouteTypes.HTTP)
        async def index(): ...
