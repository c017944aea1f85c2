"""An app with two backends, a handler that runs until it is let go, and signals that do no harm."""

import signal

import pytest

from asyncworker import App, RouteTypes
from packages.core.tests.running.lifecycle.handler import Handler


@pytest.fixture(autouse=True)
def harmless_signals():
    """Let a signal that comes after the end of an app not end the tests."""
    before = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection([1])


@pytest.fixture
def pulsar(kafka):
    return kafka.PulsarConnection([1])


@pytest.fixture
def app(connection, pulsar):
    return App(connections=[connection, pulsar])


@pytest.fixture
def calls():
    return []


@pytest.fixture
async def handler(app):
    handler = Handler()
    app.route(["orders"], type=RouteTypes.KAFKA)(handler)
    return handler


@pytest.fixture
async def other(app):
    """The handler of another backend."""
    other = Handler()
    app.route(["events"], type=RouteTypes.PULSAR)(other)
    return other
