"""What the feed is told of messages, on whatever way they go."""

import pytest

from asyncworker import App
from asyncworker.feed import Statistics
from asyncworker.rabbitmq import AMQPConnection


@pytest.fixture
def connection(amqp_url):
    return AMQPConnection(url=amqp_url, name="main")


@pytest.fixture
def app(connection):
    app = App(connections=[connection])
    app.feed.add(Statistics())
    return app


@pytest.fixture
def names(unique_name):
    return [f"{unique_name}-{number}" for number in range(2)]
