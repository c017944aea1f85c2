"""Have a RabbitMQ to talk to: the one that the environment names, else a private one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scripts import apt
from scripts.rabbitmq.broker import Broker, BrokerError
from scripts.rabbitmq.container import Container, find_engine
from scripts.rabbitmq.node import Node, find_server
from scripts.rabbitmq.probe import HOST

VARIABLE = "ASYNCWORKER_AMQP_URL"
PLUGINS = ("rabbitmq_consistent_hash_exchange",)
"""What comes with each RabbitMQ and is not enabled by itself: shards need it."""
MISSING = (
    f"no RabbitMQ here: install rabbitmq-server, start docker or podman, or set {VARIABLE} "
    "to a broker's address, for example amqp://guest:guest@127.0.0.1:5672/"
)


@contextmanager
def broker() -> Iterator[str]:
    """Yield the address of a broker: the one that ASYNCWORKER_AMQP_URL names, else a private one.

    Raises: BrokerError, when there is none and none can be had.
    """
    if url := os.environ.get(VARIABLE):
        yield url
        return
    private = private_broker()
    say(f"starting a private RabbitMQ on {HOST}:{private.port} ...")
    with private:
        say("RabbitMQ is ready")
        yield private.url


def private_broker(config: str = "") -> Broker:
    """Return a broker of our own, not started: a node, installed first if need be, or a container.

    Raises: BrokerError, when neither can be had.
    """
    if find_server() or _install():
        return Node(config, plugins=PLUGINS)
    engine = find_engine()
    if engine is None:
        raise BrokerError(MISSING)
    return Container(engine, config, plugins=PLUGINS)


def say(line: str) -> None:
    """Print a line for whoever waits; stdout is the command's own."""
    print(f"broker: {line}", file=sys.stderr, flush=True)


def _install() -> bool:
    """Install the server with apt-get, where that needs nobody's password."""
    if not apt.is_at_hand():
        return False
    say("installing rabbitmq-server with apt-get ...")
    installed = apt.install("rabbitmq-server")
    if not installed:
        say("apt-get could not install rabbitmq-server")
    return installed and find_server() is not None
