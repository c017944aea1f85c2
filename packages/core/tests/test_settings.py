import os

import pytest

from asyncworker import App
from asyncworker.errors import ConfigurationError
from asyncworker.settings import Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("ASYNCWORKER_"):
            monkeypatch.delenv(name)


def test_the_defaults():
    assert Settings.load().model_dump() == {
        "loglevel": "INFO",
        "flush_timeout": 60.0,
        "shutdown_timeout": 20.0,
        "loop": "asyncio",
    }


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("ASYNCWORKER_LOGLEVEL", "DEBUG", "loglevel", "DEBUG"),
        ("ASYNCWORKER_LOGLEVEL", "warning", "loglevel", "WARNING"),
        ("ASYNCWORKER_LOGLEVEL", "Critical", "loglevel", "CRITICAL"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "0.5", "flush_timeout", 0.5),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "5", "flush_timeout", 5.0),
        ("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0", "shutdown_timeout", 0.0),
        ("ASYNCWORKER_SHUTDOWN_TIMEOUT", "1.5", "shutdown_timeout", 1.5),
        ("ASYNCWORKER_LOOP", "uvloop", "loop", "uvloop"),
    ],
)
def test_each_variable_is_read(monkeypatch, variable, text, field, value):
    monkeypatch.setenv(variable, text)
    assert getattr(Settings.load(), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ASYNCWORKER_LOGLEVEL", "loud"),
        ("ASYNCWORKER_LOGLEVEL", ""),
        ("ASYNCWORKER_LOGLEVEL", "10"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "soon"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "0"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "-1"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "nan"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "inf"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", ""),
        ("ASYNCWORKER_SHUTDOWN_TIMEOUT", "-0.1"),
        ("ASYNCWORKER_SHUTDOWN_TIMEOUT", "nan"),
        ("ASYNCWORKER_SHUTDOWN_TIMEOUT", "20s"),
        ("ASYNCWORKER_LOOP", "trio"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable_and_the_value(
    monkeypatch, variable, text
):
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as caught:
        App()
    message = str(caught.value)
    assert message.startswith(f"{variable}: ")
    assert message.endswith(f"got {text!r}")
    assert "\n" not in message
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ASYNCWORKER_LOG_LEVEL", "ASYNCWORKER_LOGLEVEL"),
        ("asyncworker_log_level", "ASYNCWORKER_LOGLEVEL"),
        ("ASYNCWORKER_SHUTDOWN_TIMOUT", "ASYNCWORKER_SHUTDOWN_TIMEOUT"),
        ("ASYNCWORKER_LOOPS", "ASYNCWORKER_LOOP"),
    ],
)
def test_a_misspelt_variable_is_one_line_that_names_the_right_one(monkeypatch, wrong, right):
    monkeypatch.setenv(wrong, "1")
    with pytest.raises(ConfigurationError) as caught:
        App()
    assert str(caught.value) == f"{wrong} is no setting: did you mean {right}?"


@pytest.mark.parametrize("name", ["HTTP_PORT", "SERVICE_PORT", "TIMEOUT", "HOST", "LOG", ""])
def test_variables_that_are_of_others_are_left_alone(monkeypatch, name):
    monkeypatch.setenv(f"ASYNCWORKER_{name}", "1")
    assert Settings.load() == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        (
            "ASYNCWORKER_LOGLEVEL",
            "loud",
            "input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'",
        ),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "0", "input should be greater than 0"),
        ("ASYNCWORKER_FLUSH_TIMEOUT", "nan", "input should be a finite number"),
        ("ASYNCWORKER_LOOP", "trio", "input should be 'asyncio' or 'uvloop'"),
    ],
)
def test_a_wrong_value_is_told_what_it_should_be(monkeypatch, variable, text, reason):
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    assert str(caught.value) == f"{variable}: {reason}, got {text!r}"


def test_a_variable_of_someone_else_is_left_alone(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://localhost")
    assert Settings.load() == Settings()


def test_settings_stay_as_they_were_read():
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().loop = "uvloop"
