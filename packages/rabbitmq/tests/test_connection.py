"""What AMQPConnection takes, and what it says about what it does not."""

import ssl
import traceback
from functools import partial

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection as Offered
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Queue
from asyncworker.rabbitmq.settings import AMQPSettings
from asyncworker.testing import TestApp

CONTEXT = ssl.create_default_context()


def broker_of(**arguments):
    return AMQPConnection(**arguments).broker


def needy(argument):
    return argument


def test_is_offered_by_core():
    assert Offered is AMQPConnection


def test_takes_the_arguments_by_position_and_by_name():
    one = AMQPConnection("rabbit", "me", "secret", 5673, 10, 30, None, "main")
    other = AMQPConnection(
        hostname="rabbit",
        username="me",
        password="secret",
        port=5673,
        prefetch=10,
        heartbeat=30,
        ssl=None,
        name="main",
    )
    assert one.broker == other.broker
    assert (one.prefetch, one.name) == (other.prefetch, other.name) == (10, "main")


def test_has_the_defaults_of_rabbitmq():
    connection = AMQPConnection("rabbit")
    broker = connection.broker
    assert (broker.hosts, broker.username, broker.password) == (
        (("rabbit", 5672),),
        "guest",
        "guest",
    )
    assert (connection.prefetch, broker.heartbeat, broker.tls, connection.vhost) == (
        128,
        60,
        None,
        "/",
    )


def test_takes_the_older_spellings():
    connection = AMQPConnection(host="rabbit", user="me", password="secret", prefetch_count=7)
    assert connection.broker == broker_of(hostname="rabbit", username="me", password="secret")
    assert connection.prefetch == 7


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("a", [("a", 5672)]),
        ("a:1", [("a", 1)]),
        ("a,b:2", [("a", 5672), ("b", 2)]),
        (["a", "b:2"], [("a", 5672), ("b", 2)]),
        ("::1", [("::1", 5672)]),
        ("[::1]:3", [("::1", 3)]),
    ],
)
def test_takes_several_hosts_with_ports_of_their_own(hostname, expected):
    assert broker_of(hostname=hostname).hosts == tuple(expected)


def test_takes_a_url_with_several_hosts():
    connection = AMQPConnection(
        url="amqp://me:p%40ss%2Fword@a:1,[::1],c/a%2Fb?heartbeat=7", prefetch=9
    )
    broker = connection.broker
    assert broker.hosts == (("a", 1), ("::1", 5672), ("c", 5672))
    assert (broker.username, broker.password, broker.heartbeat) == ("me", "p@ss/word", 7)
    assert (connection.vhost, connection.prefetch) == ("a/b", 9)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("[::1],[::2]:1", (("::1", 5672), ("::2", 1))),
        ("a,[fe80::1%25eth0]:1,b", (("a", 5672), ("fe80::1%eth0", 1), ("b", 5672))),
        ("a,::1", (("a", 5672), ("::1", 5672))),
        ("me:p[w@a,[::1]", (("a", 5672), ("::1", 5672))),
    ],
)
def test_takes_an_ipv6_address_at_any_place_of_a_url(hosts, expected):
    assert broker_of(url=f"amqp://{hosts}").hosts == expected
    assert broker_of(url=f"amqp://{hosts}/v//w?heartbeat=7").hosts == expected


@pytest.mark.parametrize("url", ["amqp://a", "amqp://a/"])
def test_a_url_without_login_or_vhost_has_the_defaults(url):
    connection = AMQPConnection(url=url)
    assert (connection.broker.username, connection.broker.password) == ("guest", "guest")
    assert connection.vhost == "/"


def test_a_heartbeat_beside_the_url_wins():
    assert broker_of(url="amqp://a/?heartbeat=7", heartbeat=8).heartbeat == 8


@pytest.mark.parametrize("arguments", [{"hostname": "a", "ssl": True}, {"url": "amqps://a"}])
def test_tls_verifies_and_has_its_own_port(arguments):
    broker = broker_of(**arguments)
    assert broker.hosts == (("a", 5671),)
    assert broker.tls is not None
    assert broker.tls.verify_mode is ssl.CERT_REQUIRED
    assert broker.tls.check_hostname


def test_takes_a_tls_context():
    context = ssl.create_default_context()
    assert broker_of(hostname="a", ssl=context).tls is context


def test_a_login_by_certificate_has_no_user_and_no_password():
    connection = AMQPConnection("rabbit", ssl=CONTEXT, auth="external")
    broker = connection.broker
    assert (broker.auth, broker.username, broker.password) == ("external", "", "")
    assert repr(connection) == "AMQPConnection('amqps://rabbit:5671')"
    assert "guest" not in repr(broker)


def test_a_login_is_by_password_unless_it_says_otherwise():
    for arguments in ({}, {"auth": "plain"}, {"auth": "plain", "ssl": True}):
        broker = broker_of(hostname="a", **arguments)
        assert (broker.auth, broker.username) == ("plain", "guest")
    assert broker_of(url="amqp://me:s3cret@a/?auth=plain").auth == "plain"


@pytest.mark.parametrize(
    "connection",
    [
        AMQPConnection("rabbit", "me", "s3cret", name="main"),
        AMQPConnection(url="amqp://me:s3cret@rabbit/"),
        AMQPConnection(url="amqp://me@rabbit/", password=partial(str, "s3cret")),
    ],
)
def test_shows_no_password(connection):
    for text in (repr(connection), str(connection), repr(connection.broker), str(vars(connection))):
        assert "s3cret" not in text
    assert "amqp://me@rabbit:5672" in repr(connection)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "AMQPConnection needs hostname= or url=, or set ASYNCWORKER_AMQP_URL"),
        ({"username": "me", "password": "s3cret"}, "AMQPConnection needs hostname= or url="),
        ({"hostname": "a", "host": "b"}, "hostname and host are the same: give one of them"),
        ({"hostname": "a", "username": "me"}, "password= is missing"),
        ({"hostname": "a", "password": "s3cret"}, "username= is missing"),
        ({"hostname": "a", "password": str}, "username= is missing"),
        ({"hostname": "a", "username": "me", "password": needy}, "needy must need no arguments"),
        ({"url": "amqp://me@a", "password": needy}, "needy must need no arguments"),
        ({"url": "amqp://me:s3cret@a", "password": str}, "url and password= both hold a password"),
        ({"url": "amqp://a", "password": str}, "url and password= need a user in url"),
        ({"url": "amqp://a", "password": "s3cret"}, "url and password= are both given"),
        ({"hostname": "a", "prefetch": 0}, "prefetch must be an int from 1 to 65535, got 0"),
        ({"hostname": "a", "prefetch": 65536}, "prefetch must be an int"),
        ({"hostname": "a", "prefetch": True}, "prefetch must be an int"),
        ({"hostname": "a", "prefetch_count": "9"}, "prefetch must be an int .*, got '9'"),
        ({"hostname": "a", "heartbeat": -1}, "heartbeat must be an int from 0"),
        ({"hostname": "a", "port": 0}, "port must be an int from 1"),
        ({"hostname": "a", "port": "5672"}, "port must be an int .*, got '5672'"),
        ({"hostname": ""}, "hostname '' is no host"),
        ({"hostname": []}, "hostname names no host"),
        ({"hostname": 7}, "hostname must be a string or a list of strings, got int"),
        ({"hostname": ["s3cret", 7]}, "hostname must be a string or a list of strings, got list"),
        ({"hostname": b"s3cret"}, "hostname must be a string or a list of strings, got bytes"),
        ({"hostname": "amqp://me:s3cret@a"}, "more than a host and a port: give a URL as url="),
        ({"hostname": ["me:s3cret@a:x"]}, "more than a host and a port: give a URL as url="),
        ({"hostname": "a", "username": 5, "password": "s3cret"}, "username must be a string"),
        ({"hostname": "a", "username": "me", "password": 5}, "password must be a string, got int"),
        ({"hostname": "a:b"}, "hostname 'a:b' is no host"),
        ({"hostname": "[::1"}, r"hostname '\[::1' is no host"),
        ({"hostname": "[::1]a"}, r"hostname '\[::1\]a' is no host"),
        ({"hostname": "a[::1]"}, r"hostname 'a\[::1\]' is no host"),
        ({"hostname": "[a]"}, r"hostname '\[a\]' is no host"),
        ({"hostname": "[127.0.0.1]"}, "is no host"),
        ({"url": "amqp://me:s3cret@a,[::1]b/"}, r"hostname '\[::1\]b' is no host"),
        ({"hostname": "a", "name": ""}, "name must be a non-empty string"),
        ({"url": "http://a"}, "url must start with amqp://, amqps:// or memory://"),
        ({"url": b"amqp://me:s3cret@a"}, "url must be a string, got bytes"),
        ({"url": "amqp://a", "hostname": "b"}, "url and hostname= are both given"),
        ({"url": "amqp://a/?heartbeats=7"}, "url takes no 'heartbeats': did you mean heartbeat"),
        ({"url": "amqp://a/?heartbeat=x"}, "heartbeat in url must be a number of seconds"),
        ({"url": "amqps://a/?cafile=/none"}, r"cannot read the certificates in url \(cafile=/none"),
        ({"hostname": "a", "auth": "EXTERNAL"}, "auth must be 'plain' or 'external', got 'EX"),
        ({"hostname": "a", "auth": ["plain"]}, "auth must be 'plain' or 'external', got "),
        ({"hostname": "a", "auth": "external"}, "auth='external' needs ssl=, an SSLContext that "),
        ({"hostname": "a", "auth": "external", "ssl": True}, "the worker's certificate, got True"),
        (
            {"hostname": "a", "auth": "external", "ssl": CONTEXT, "username": "me"},
            "auth='external' takes no user and no password: the certificate is the login",
        ),
        (
            {"hostname": "a", "auth": "external", "ssl": CONTEXT, "password": str},
            "auth='external' takes no user and no password",
        ),
        ({"url": "amqps://a", "auth": "external"}, "url and auth= are both given"),
        ({"url": "amqps://a/?auth=extern"}, "auth must be 'plain' or 'external', got 'extern'"),
        ({"url": "amqp://a/?auth=external"}, "auth=external in url needs TLS: write amqps://"),
        ({"url": "amqps://a/?auth=external"}, "auth=external in url needs certfile=, and keyfile="),
        (
            {"url": "amqps://me:s3cret@a/?auth=external&certfile=c"},
            "auth=external in url takes no user and no password: the certificate is the login",
        ),
        (
            {"url": "amqps://a/?auth=external&certfile=c", "password": str},
            "auth=external in url takes no user and no password",
        ),
        ({"url": "amqps://a/?auth=external&certfile=/none"}, r"url \(certfile=/none\)"),
        ({"hostname": "a", "ssl": "yes"}, "ssl must be True, False or an SSLContext, got 'yes'"),
    ],
)
def test_names_the_argument_that_is_wrong(arguments, message, monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_AMQP_URL", raising=False)
    with pytest.raises(ConfigurationError, match=message) as raised:
        AMQPConnection(**arguments)
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "url",
    [
        "amqp://me:s3cret@a:port/",
        "amqp://me:s3cret@/",
        "me:s3cret@a",
        "amqp://me:s3cret@[::1/",
        "amqp://me:s3cret/1@a/",
        "amqp://me:1/s3cret@a/",
        "amqp://me:/s3cret@a/",
        "amqp://me:s3cret?@a/",
        "amqp://me:1?s3cret@a/",
        "amqp://me:s3cret#@a/",
        "amqp://me:1#s3cret@a/",
    ],
)
def test_a_broken_url_shows_no_password(url):
    with pytest.raises(ConfigurationError) as raised:
        AMQPConnection(url=url)
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("variable", ["ASYNCWORKER_AMQP_URL", "asyncworker_amqp_url"])
def test_without_a_host_and_a_url_it_is_the_one_of_the_environment(monkeypatch, variable):
    monkeypatch.delenv("ASYNCWORKER_AMQP_URL", raising=False)
    monkeypatch.setenv(variable, "amqp://me:s3cret@first,second:5673/eu?heartbeat=30")
    connection = AMQPConnection(name="main", prefetch=7)
    assert connection.broker.hosts == (("first", 5672), ("second", 5673))
    assert (connection.broker.username, connection.broker.password) == ("me", "s3cret")
    assert (connection.vhost, connection.prefetch, connection.broker.heartbeat) == ("eu", 7, 30)
    assert repr(connection) == "AMQPConnection('amqp://me@first:5672,second:5673', name='main')"


def test_a_function_tells_the_password_of_the_user_in_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://me@rabbit/")
    connection = AMQPConnection(password=str)
    assert (connection.broker.username, connection.broker.password) == ("me", str)


def test_what_is_given_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://me:s3cret@other/")
    for connection in (
        AMQPConnection("a"),
        AMQPConnection(host="a"),
        AMQPConnection(url="amqp://a"),
    ):
        assert repr(connection) == "AMQPConnection('amqp://guest@a:5672')"


def test_it_is_read_as_the_connection_is_made(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://before/")
    connection = AMQPConnection()
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://after/")
    assert connection.broker.hosts == (("before", 5672),)


@pytest.mark.parametrize(
    ("url", "arguments", "message"),
    [
        ("", {}, "url must start with amqp://, amqps:// or memory://"),
        ("http://me:s3cret@a", {}, "url must start with amqp://, amqps:// or memory://"),
        ("amqp://me:s3cret@a:port/", {}, "hostname 'a:port' is no host or host:port: "),
        ("amqp://me:s3cret/1@a/", {}, "url has an @ behind its hosts: "),
        ("amqp://me:s3cret@a/?heartbeats=7", {}, "url takes no 'heartbeats': "),
        ("amqp://me:s3cret@a", {"username": "me"}, "url and username= are both given: "),
        ("amqp://me:s3cret@a", {"password": str}, "url and password= both hold a password: "),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable_and_shows_no_password(
    monkeypatch, url, arguments, message
):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", url)
    with pytest.raises(ConfigurationError) as raised:
        AMQPConnection(**arguments)
    assert str(raised.value).startswith(f"ASYNCWORKER_AMQP_URL: {message}")
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


def test_settings_show_no_password(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://me:s3cret@a")
    assert "s3cret" not in repr(AMQPSettings.load())


def test_a_misspelt_variable_is_told_before_that_none_is_set(monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_AMQP_URL", raising=False)
    monkeypatch.setenv("ASYNCWORKER_AMQP_ULR", "amqp://me:s3cret@a")
    with pytest.raises(ConfigurationError) as raised:
        AMQPConnection()
    assert str(raised.value) == (
        "ASYNCWORKER_AMQP_ULR is no setting: did you mean ASYNCWORKER_AMQP_URL?"
    )


async def test_an_app_under_test_has_its_broker_in_memory(monkeypatch, inbox):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://me:s3cret@unreachable/eu")
    app = App(connections=[AMQPConnection()])
    app.route([Queue("orders")], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with TestApp(app) as worker:
        await worker.publish({"id": 7}, "orders")
        assert await inbox.bodies(1) == [{"id": 7}]


def test_the_first_connection_is_found_in_the_app():
    first, second = AMQPConnection("a", name="a"), AMQPConnection("b", name="b")
    app = App(connections=[first, second])
    assert app["rabbitmq_connection"] is first
    assert app[RouteTypes.AMQP_RABBITMQ]["connection"] is first
    assert (app.connections["a"], app.connections["b"]) == (first, second)


async def handler(messages):
    pass


def app_with(*names):
    return App(connections=[AMQPConnection("a", name=name) for name in names])


@pytest.mark.parametrize("wanted", ["b", "object"])
def test_a_route_says_which_connection_by_name_or_object(wanted):
    app = app_with("a", "b")
    connection = app.connections["b"] if wanted == "object" else wanted
    app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, connection=connection)(handler)
    assert app.routes[0].connection is app.connections["b"]


@pytest.mark.parametrize(
    ("names", "arguments", "message"),
    [
        (["a", "b"], {}, "several of AMQPConnection, say which by connection=: a, b"),
        (["a"], {"connection": "c"}, "connection='c' is no AMQPConnection .* has: a"),
        ([], {}, r"needs a connection: App\(connections=\[AMQPConnection\(...\)\]\)"),
        (["a"], {"vhost": ""}, "vhost must be a non-empty string"),
        (["a"], {"vhots": "/"}, "route takes no 'vhots': did you mean vhost"),
        (["a"], {"methods": ["GET"]}, "route takes no 'methods'"),
        (["a"], {"routes": ["q" * 256]}, "queue: name has at most 255 bytes"),
        (["a"], {"routes": ["a\nb"]}, r"queue: name must be of one line, got 'a\\nb'"),
        (["a"], {"routes": ["\ud800"]}, "queue: name has a surrogate, which is half a character"),
        (["a"], {"vhost": "a%2Fb"}, "vhost holds %2F, which the library takes for a slash"),
        (["a"], {"options": {"on_succes": 1}}, "takes no option on_succes: did you mean Events.ON"),
        (["a"], {"options": {Options.BULK_SIZE: 0}}, "Options.BULK_SIZE: .*, got 0"),
        (["a"], {"options": {"on_success": "ACK"}}, "Events.ON_SUCCESS: .*, got 'ACK'"),
        (["a"], {"prefetch": 0}, "prefetch must be an int from 1 to 65535, got 0"),
        (
            ["a"],
            {"prefetch": 9, "options": {Options.BULK_SIZE: 10}},
            "prefetch=9 has no room for a batch of Options.BULK_SIZE=10: raise it, or leave it out",
        ),
        (
            ["a"],
            {"options": {Options.BULK_SIZE: 65536}},
            "Options.BULK_SIZE of a queue must be an int from 1 to 65535, got 65536",
        ),
    ],
)
def test_a_route_names_what_is_wrong_where_it_is_declared(names, arguments, message):
    app = app_with(*names)
    with pytest.raises(ConfigurationError, match=message):
        app.route(**{"routes": ["q"], "type": RouteTypes.AMQP_RABBITMQ, **arguments})(handler)
    assert app.routes == []


async def test_a_handler_takes_one_list():
    app = app_with("a")

    async def no_parameter():
        pass

    with pytest.raises(ConfigurationError, match="cannot be called with the list of messages"):
        app.route(["q"], type=RouteTypes.AMQP_RABBITMQ)(no_parameter)


def test_a_url_gives_routes_its_vhost():
    app = App(connections=[AMQPConnection(url="amqp://a/b")])
    app.route(["q"], type=RouteTypes.AMQP_RABBITMQ)(handler)
    app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, vhost="/")(handler)
    assert [route.vhost for route in app.routes] == ["b", "/"]
