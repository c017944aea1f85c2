"""SASL EXTERNAL: the certificate of the worker is its login, at a RabbitMQ that takes no other."""

import socket
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue
from asyncworker.rabbitmq.errors import BrokerError
from scripts.rabbitmq.node import Node
from scripts.rabbitmq.probe import free_ports, wait_for

PLUGIN = "rabbitmq_auth_mechanism_ssl"
EXTENSIONS = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[member]
basicConstraints = critical,CA:FALSE
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
LISTENER = """
listeners.ssl.default = 127.0.0.1:{port}
ssl_options.cacertfile = {authority}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""
EXTERNAL = """
ssl_cert_login_from = common_name
auth_mechanisms.1 = EXTERNAL
"""


class Pair(NamedTuple):
    certificate: Path
    key: Path


class Authority:
    """Vouch for names, by openssl, in a folder of its own."""

    def __init__(self, folder):
        self._folder = folder
        (folder / "extensions.cnf").write_text(EXTENSIONS)
        self._own = self._made("authority", "authority")
        self.certificate = self._own.certificate

    def pair(self, name):
        """A certificate of that common name, and its key."""
        return self._made(name, "member", "-CA", self._own.certificate, "-CAkey", self._own.key)

    def _made(self, name, kind, *by):
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-config", self._folder / "extensions.cnf", "-extensions", kind),
                *("-subj", f"/CN={name}", "-keyout", pair.key, "-out", pair.certificate, *by),
            ],
            check=True,
            capture_output=True,
        )
        return pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def tls_node(authority, config="", plugins=()):
    """Start a RabbitMQ that listens with TLS too; yield it and that port."""
    (port,) = free_ports(1)
    server = authority.pair("broker")
    listener = LISTENER.format(port=port, authority=authority.certificate, **server._asdict())
    with Node(listener + config, plugins=plugins) as node:
        # It listens there a moment after it answers without TLS.
        assert wait_for(lambda: listens(port))
        yield node, port


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", autouse=True)
def installed(private_node):
    if not isinstance(private_node, Node):
        pytest.skip("needs an installed RabbitMQ")


@pytest.fixture(scope="module")
def tls_port(authority):
    """The port of a RabbitMQ that takes certificates alone, and knows a user `worker`."""
    with tls_node(authority, EXTERNAL, [PLUGIN]) as (node, port):
        node.ctl("add_user", "worker", "unused")
        node.ctl("clear_password", "worker")
        node.ctl("set_permissions", "worker", ".*", ".*", ".*")
        yield port


def context_with(authority, pair):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


@pytest.fixture
def connection_as(authority, tls_port):
    """Return a connection that logs in by a certificate."""

    def connection_as(pair, vouched_by=authority):
        context = context_with(vouched_by, pair)
        return AMQPConnection("127.0.0.1", port=tls_port, ssl=context, auth="external")

    return connection_as


async def refusal(connection, vhost=None):
    with pytest.raises(BrokerError) as raised:
        async with connection.channel(vhost):
            pass
    return str(raised.value)


@pytest.mark.parametrize("wire", ["yes", "no"])
@pytest.mark.parametrize("way", ["context", "url", "environment"])
async def test_an_accepted_certificate_consumes_and_publishes(
    authority, tls_port, connection_as, inbox, logs, monkeypatch, way, wire
):
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", wire)
    pair = authority.pair("worker")
    files = f"cafile={authority.certificate}&certfile={pair.certificate}&keyfile={pair.key}"
    url = f"amqps://127.0.0.1:{tls_port}/?{files}&auth=external"
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", url)
    if way == "context":
        connection = connection_as(pair)
    else:
        connection = AMQPConnection(url=url if way == "url" else None)
    app = App(connections=[connection])
    app.route([Queue("orders")], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await connection.put({"id": 7}, "orders")
        assert await inbox.bodies(1) == [{"id": 7}]
    (connected, *_) = logs.matching("connected to")
    assert connected.getMessage() == f"connected to amqps://127.0.0.1:{tls_port}, vhost '/'"
    assert "guest" not in logs.written()


async def test_a_certificate_of_nobody_is_refused_in_a_line(authority, tls_port, connection_as):
    assert await refusal(connection_as(authority.pair("stranger"))) == (
        f"cannot connect to amqps://127.0.0.1:{tls_port}, vhost '/': "
        "the broker refuses the certificate, or has no user of its name"
    )


async def test_a_vhost_that_the_user_may_not_see_is_told(authority, connection_as):
    line = await refusal(connection_as(authority.pair("worker")), vhost="eu")
    assert line.endswith("vhost 'eu' does not exist, or the certificate's user has no access to it")


async def test_a_broker_that_takes_certificates_alone_offers_no_password(authority, tls_port):
    context = context_with(authority, authority.pair("worker"))
    line = await refusal(AMQPConnection("127.0.0.1", port=tls_port, ssl=context))
    assert line.endswith(": the broker offers no PLAIN, only EXTERNAL")


async def test_a_broker_without_the_plugin_is_told_what_it_offers(authority):
    with tls_node(authority) as (_, port):
        context = context_with(authority, authority.pair("worker"))
        connection = AMQPConnection("127.0.0.1", port=port, ssl=context, auth="external")
        line = await refusal(connection)
    _, _, reason = line.partition("vhost '/': ")
    offered = reason.removeprefix("the broker offers no EXTERNAL, only ")
    assert offered.endswith(": enable its plugin rabbitmq_auth_mechanism_ssl")
    assert {"PLAIN", "AMQPLAIN"} <= set(offered.partition(":")[0].split(", "))


async def test_a_certificate_that_is_loaded_anew_is_shown_from_then_on(authority, connection_as):
    connection = connection_as(authority.pair("stranger"))
    await refusal(connection)
    connection.broker.tls.load_cert_chain(*authority.pair("worker"))
    async with connection.channel():
        pass


@pytest.mark.parametrize("shown", ["none", "of a stranger's authority"])
async def test_a_certificate_that_tls_refuses_is_told(connection_as, tmp_path, shown):
    pair = None if shown == "none" else Authority(tmp_path).pair("worker")
    _, _, reason = (await refusal(connection_as(pair))).partition("vhost '/': ")
    assert reason.startswith("the broker hung up, as where it refuses a certificate: ")


async def test_a_broker_that_nobody_vouches_for_is_told_as_ever(connection_as, authority, tmp_path):
    other = Authority(tmp_path)
    connection = connection_as(authority.pair("worker"), vouched_by=other)
    _, _, reason = (await refusal(connection)).partition("vhost '/': ")
    assert reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED]")
