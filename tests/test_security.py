"""SECURITY.md says what is so."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.http.settings import PREFIX, Settings
from asyncworker.rabbitmq.settings import RabbitMQSettings

PAGE = Path(__file__).parent.parent / "SECURITY.md"
LIMIT = re.compile(r"^\|[^|]+\|[^|]+\| `(\S+)` \| (\d+) \|$", re.MULTILINE)
LIMITS = LIMIT.findall(PAGE.read_text())


@pytest.fixture
def defaults(monkeypatch):
    """Each setting that the page may name, with its value when nothing is said."""
    monkeypatch.delenv(f"{PREFIX}PORT", raising=False)
    settings = Settings.load()
    streams, broker = SSEConnection("http://a"), AMQPConnection("a")
    return {
        **{f"{PREFIX}{name.upper()}": value for name, value in asdict(settings).items()},
        "SSEConnection(max_event_size=)": streams.max_event_size,
        "SSEConnection(connect_timeout=)": streams.connect_timeout,
        "SSEConnection(read_timeout=)": streams.read_timeout,
        "ASYNCWORKER_RABBITMQ_BODY_LIMIT": RabbitMQSettings.load().body_limit,
        "AMQPConnection(prefetch=)": broker.prefetch,
        "AMQPConnection(heartbeat=)": broker.broker.heartbeat,
    }


@pytest.mark.parametrize(("setting", "default"), LIMITS)
def test_the_page_names_each_limit_with_its_default(defaults, setting, default):
    assert defaults[setting] == int(default)


def test_the_page_names_every_limit_of_the_http_server(defaults):
    limits = {name for name in defaults if name.endswith(("_LIMIT", "_TIMEOUT"))}
    assert limits <= {setting for setting, _ in LIMITS}


@pytest.mark.parametrize("path", re.findall(r"`((?:tests|packages)/\S+\.py)`", PAGE.read_text()))
def test_the_page_names_tests_that_exist(path):
    assert (PAGE.parent / path).is_file()
