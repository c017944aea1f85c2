"""An app whose broker and server are nowhere."""

import pytest

from asyncworker import App
from asyncworker.connections import AMQPConnection, SSEConnection


@pytest.fixture
def app():
    return App(
        connections=[
            AMQPConnection(hostname="nowhere.invalid", heartbeat=5),
            SSEConnection("https://nowhere.invalid/base"),
        ]
    )
