import os
from collections.abc import Iterator

import pytest

from scripts.broker import VARIABLE, private_broker
from scripts.rabbitmq import Broker


@pytest.fixture(scope="session")
def private_node() -> Iterator[Broker]:
    """A RabbitMQ that tests own: they may kill, stop, pause and start it."""
    with private_broker() as node:
        yield node


@pytest.fixture(scope="session")
def amqp_url(request: pytest.FixtureRequest) -> str:
    """The broker that tests talk to: the one named by the environment, else a private one."""
    url = os.environ.get(VARIABLE)
    return url or request.getfixturevalue("private_node").url
