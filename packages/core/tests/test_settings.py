import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict
from importlib.metadata import EntryPoint

import pytest

from asyncworker import App
from asyncworker.errors import ConfigurationError
from asyncworker.settings import Environment, Settings

KAFKA_SETTINGS = """
from asyncworker.settings import Environment

class KafkaSettings(Environment):
    env_prefix = "ASYNCWORKER_KAFKA_"
    acks: int = 1
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("ASYNCWORKER_"):
            monkeypatch.delenv(name)


def test_the_defaults():
    assert asdict(Settings.load()) == {
        "loglevel": "INFO",
        "log_format": "auto",
        "flush_timeout": 60.0,
        "shutdown_timeout": 20.0,
        "blocked_after": 1.0,
        "loop": "asyncio",
        "monitor_host": "127.0.0.1",
        "monitor_port": None,
        "monitor_sockets": "",
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
        ("ASYNCWORKER_BLOCKED_AFTER", "0", "blocked_after", 0.0),
        ("ASYNCWORKER_MONITOR_HOST", "0.0.0.0", "monitor_host", "0.0.0.0"),
        ("ASYNCWORKER_MONITOR_PORT", "0", "monitor_port", 0),
        ("ASYNCWORKER_MONITOR_PORT", "9000", "monitor_port", 9000),
        ("ASYNCWORKER_MONITOR_SOCKETS", "7,8", "monitor_sockets", "7,8"),
        ("ASYNCWORKER_BLOCKED_AFTER", "0.25", "blocked_after", 0.25),
        ("ASYNCWORKER_LOOP", "uvloop", "loop", "uvloop"),
        ("asyncworker_loop", "uvloop", "loop", "uvloop"),
        ("ASYNCWORKER_LOG_FORMAT", "text", "log_format", "text"),
        ("ASYNCWORKER_LOG_FORMAT", "JSON", "log_format", "json"),
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
        ("ASYNCWORKER_BLOCKED_AFTER", "-1"),
        ("ASYNCWORKER_BLOCKED_AFTER", "inf"),
        ("ASYNCWORKER_BLOCKED_AFTER", "1s"),
        ("ASYNCWORKER_BLOCKED_AFTER", ""),
        ("ASYNCWORKER_LOOP", "trio"),
        ("ASYNCWORKER_LOG_FORMAT", "xml"),
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
        ("ASYNCWORKER_BLOCK_AFTER", "ASYNCWORKER_BLOCKED_AFTER"),
        ("ASYNCWORKER_LOOPS", "ASYNCWORKER_LOOP"),
        ("ASYNCWORKER_LOG", "ASYNCWORKER_LOOP"),
        ("ASYNCWORKER_TIMEOUT", "ASYNCWORKER_FLUSH_TIMEOUT"),
        ("ASYNCWORKER_HTTP_PROT", "ASYNCWORKER_HTTP_PORT"),
        ("ASYNCWORKER_PORT", "ASYNCWORKER_HTTP_PORT"),
        ("ASYNCWORKER_HTTP_BODYLIMIT", "ASYNCWORKER_HTTP_BODY_LIMIT"),
        ("ASYNCWORKER_RABBITMQ_WIER", "ASYNCWORKER_RABBITMQ_WIRE"),
        ("ASYNCWORKER_AMQP_ULR", "ASYNCWORKER_AMQP_URL"),
        ("ASYNCWORKER_SSE_ULR", "ASYNCWORKER_SSE_URL"),
    ],
)
def test_a_misspelt_variable_is_one_line_that_names_the_right_one(monkeypatch, wrong, right):
    monkeypatch.setenv(wrong, "1")
    with pytest.raises(ConfigurationError) as caught:
        App()
    assert str(caught.value) == f"{wrong} is no setting: did you mean {right}?"


@pytest.mark.parametrize(
    "name", ["HTTP_PORT", "HTTP_SOCKETS", "RABBITMQ_WIRE", "AMQP_URL", "SSE_URL"]
)
def test_what_backends_read_is_left_to_them(monkeypatch, name):
    monkeypatch.setenv(f"ASYNCWORKER_{name}", "1")
    assert Settings.load() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "80"),
        ("SERVICE_PORT_WEB", "80"),
        ("PORT", "tcp://10.0.0.1:80"),
        ("PORT_80_TCP_ADDR", "10.0.0.1"),
        ("ORDERS_SERVICE_HOST", "10.0.0.1"),
        ("ORDERS_PORT", "tcp://10.0.0.1:80"),
        ("ORDERS_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ],
)
def test_what_kubernetes_sets_for_a_service_of_that_name_is_left_alone(monkeypatch, name, value):
    monkeypatch.setenv(f"ASYNCWORKER_{name}", value)
    assert Settings.load() == Settings()


def test_to_know_the_settings_of_a_backend_does_not_import_it(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "8080")
    code = (
        "import sys, asyncworker\n"
        "asyncworker.App()\n"
        "assert not {'aiohttp', 'aio_pika', 'asyncworker.http'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_of_our_backends_may_be_set_where_those_are_not_installed(
    monkeypatch, no_backends
):
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "8080")
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", "no")
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "memory://")
    monkeypatch.setenv("ASYNCWORKER_SSE_URL", "http://h")
    assert Settings.load() == Settings()
    monkeypatch.setenv("ASYNCWORKER_KAFKA_HOST", "here")
    with pytest.raises(ConfigurationError, match="ASYNCWORKER_KAFKA_HOST is no setting"):
        Settings.load()


@pytest.mark.parametrize(
    ("variable", "is_known"), [("KAFKA_ACKS", True), ("KAFKA_AKCS", False), ("KAFKA_ACKS", None)]
)
def test_settings_of_further_backends_are_found_beside_them(
    monkeypatch, tmp_path, variable, is_known
):
    package = tmp_path / "asyncworker_kafka"
    package.mkdir()
    (package / "backend.py").touch()
    if is_known is not None:
        (package / "settings.py").write_text(KAFKA_SETTINGS)
    monkeypatch.syspath_prepend(tmp_path)
    entry_point = EntryPoint("KAFKA", "asyncworker_kafka.backend:backend", "asyncworker.backends")
    monkeypatch.setattr("asyncworker.settings.backend_entry_points", lambda: (entry_point,))
    monkeypatch.setenv(f"ASYNCWORKER_{variable}", "1")
    try:
        if is_known is False:
            with pytest.raises(ConfigurationError, match=r"did you mean ASYNCWORKER_KAFKA_ACKS\?"):
                Settings.load()
        else:
            assert Settings.load() == Settings()
    finally:
        for name in [one for one in sys.modules if one.startswith("asyncworker_kafka")]:
            del sys.modules[name]


def test_a_backend_without_settings_keeps_names_of_its_own(monkeypatch, kafka):
    monkeypatch.setenv("ASYNCWORKER_KAFKA_ACKS", "1")
    assert Settings.load() == Settings()


def test_settings_of_a_backend_read_by_themselves_know_their_names(monkeypatch):
    class KafkaSettings(Environment):
        env_prefix = "ASYNCWORKER_KAFKA_"
        acks: int = 1

    monkeypatch.setenv("ASYNCWORKER_KAFKA_AKCS", "1")
    with pytest.raises(ConfigurationError, match=r"did you mean ASYNCWORKER_KAFKA_ACKS\?"):
        KafkaSettings.load()


def test_names_of_what_is_imported_need_no_look_at_what_is_installed(monkeypatch):
    class PulsarSettings(Environment):
        env_prefix = "ASYNCWORKER_PULSAR_"
        acks: int = 1

    def look():
        raise AssertionError("looked")

    monkeypatch.setattr("asyncworker.settings.backend_entry_points", look)
    monkeypatch.setenv("ASYNCWORKER_PULSAR_ACKS", "2")
    assert Settings.load() == Settings()
    assert PulsarSettings.load().acks == 2
    monkeypatch.setenv("ASYNCWORKER_PULSAR_AKCS", "2")
    with pytest.raises(AssertionError, match="looked"):
        Settings.load()


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
        ("ASYNCWORKER_LOG_FORMAT", "xml", "input should be 'auto', 'json' or 'text'"),
    ],
)
def test_a_wrong_value_is_told_what_it_should_be(monkeypatch, variable, text, reason):
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    assert str(caught.value) == f"{variable}: {reason}, got {text!r}"


def test_settings_stay_as_they_were_read():
    with pytest.raises(FrozenInstanceError):
        Settings.load().loop = "uvloop"
