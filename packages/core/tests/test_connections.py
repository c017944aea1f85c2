import pytest

import asyncworker.connections
from asyncworker import App
from asyncworker.connections import Connection, Connections
from asyncworker.errors import ConfigurationError


def test_the_only_connection_of_its_kind_needs_no_name(kafka):
    pulsar, only = kafka.PulsarConnection(), kafka.KafkaConnection()
    assert Connections([pulsar, only]).choose(kafka.KafkaConnection, None) is only


def test_a_connection_is_chosen_by_name(kafka):
    connections = [kafka.KafkaConnection(name=name) for name in ("blue", "green")]
    assert Connections(connections).choose(kafka.KafkaConnection, "green") is connections[1]


def test_a_connection_is_chosen_by_itself(kafka):
    connections = [kafka.KafkaConnection(), kafka.KafkaConnection()]
    chosen = Connections(connections).choose(kafka.KafkaConnection, connections[1])
    assert chosen is connections[1]


def test_several_of_a_kind_are_an_error_that_lists_them(kafka):
    blue, nameless = kafka.KafkaConnection(name="blue"), kafka.KafkaConnection()
    with pytest.raises(ConfigurationError) as caught:
        Connections([blue, nameless, kafka.PulsarConnection(name="far")]).choose(
            kafka.KafkaConnection, None
        )
    assert str(caught.value) == (
        f"the app has several of KafkaConnection, say which by connection=: blue, {nameless!r}"
    )


@pytest.mark.parametrize("wanted", ["red", "", 5], ids=repr)
def test_an_unknown_name_is_an_error_that_lists_the_choices(kafka, wanted):
    connections = Connections([kafka.KafkaConnection(name=name) for name in ("blue", "green")])
    with pytest.raises(ConfigurationError) as caught:
        connections.choose(kafka.KafkaConnection, wanted)
    assert str(caught.value) == (
        f"connection={wanted!r} is no KafkaConnection of this app, which has: blue, green"
    )


def test_a_connection_of_another_app_or_kind_is_an_error(kafka):
    pulsar = kafka.PulsarConnection(name="far")
    connections = Connections([kafka.KafkaConnection(name="blue"), pulsar])
    for wanted in (kafka.KafkaConnection(name="green"), pulsar, "far"):
        with pytest.raises(ConfigurationError, match=r"is no KafkaConnection .* has: blue$"):
            connections.choose(kafka.KafkaConnection, wanted)


def test_a_wanted_connection_of_an_app_without_any_is_an_error(kafka):
    with pytest.raises(ConfigurationError, match=r"which has: none$"):
        Connections([]).choose(kafka.KafkaConnection, "blue")


def test_no_connection_at_all_is_an_error_that_says_what_to_write(kafka):
    with pytest.raises(ConfigurationError) as caught:
        Connections([]).choose(kafka.KafkaConnection, None)
    assert str(caught.value) == (
        "a RouteTypes.KAFKA route needs a connection: App(connections=[KafkaConnection(...)])"
    )


def test_two_connections_of_one_name_are_an_error(kafka):
    with pytest.raises(ConfigurationError) as caught:
        App(connections=[kafka.KafkaConnection(name="a"), kafka.PulsarConnection(name="a")])
    assert str(caught.value) == "two connections are named 'a': name them differently"


def test_one_connection_given_twice_is_an_error(kafka):
    connection = kafka.KafkaConnection()
    with pytest.raises(ConfigurationError, match=r"is in connections twice$"):
        App(connections=[connection, connection])


@pytest.mark.parametrize("wrong", [None, "localhost", Connection], ids=repr)
def test_what_is_no_connection_is_an_error(wrong):
    with pytest.raises(ConfigurationError) as caught:
        App(connections=[wrong])
    assert str(caught.value) == f"connections must hold connections, got {wrong!r}"


def test_a_url_that_is_no_connection_is_not_shown(kafka):
    url = "kafka://me:s3cret@h"
    app = App(connections=[kafka.KafkaConnection()])
    with pytest.raises(ConfigurationError, match=r"connections must hold connections, got a URL$"):
        App(connections=[url])
    with pytest.raises(ConfigurationError, match=r"^connection=a URL is no KafkaConnection"):
        app.connections.choose(kafka.KafkaConnection, url)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("amqps://me:s3cret@h/", "AMQPConnection(url=...)"),
        ("AMQP://h", "AMQPConnection(url=...)"),
        ("memory://", "AMQPConnection(url=...)"),
        ("https://me:s3cret@h/", "SSEConnection(...)"),
    ],
)
def test_how_a_connection_to_a_url_is_written_is_told(url, written):
    for connections in ([url], url):
        with pytest.raises(ConfigurationError) as caught:
            App(connections=connections)
        assert str(caught.value) == (
            f"connections must hold connections, got a URL: write {written}"
        )


def test_a_connection_without_a_list_around_it_is_an_error_that_says_so(kafka):
    with pytest.raises(ConfigurationError, match="list"):
        App(connections=kafka.KafkaConnection())


@pytest.mark.parametrize("wrong", ["", 5, b"a"], ids=repr)
def test_a_name_has_to_be_a_non_empty_string(wrong):
    with pytest.raises(ConfigurationError) as caught:
        Connection(name=wrong)
    assert str(caught.value) == f"name must be a non-empty string, got {wrong!r}"


def test_connections_are_a_mapping_of_the_named_ones(kafka):
    blue, nameless = kafka.KafkaConnection(name="blue"), kafka.KafkaConnection()
    connections = Connections(iter([blue, nameless]))
    assert dict(connections) == {"blue": blue}
    assert len(connections) == 1
    assert connections.all == (blue, nameless)
    with pytest.raises(KeyError):
        connections["green"]


async def test_a_connection_is_closed_at_the_end_of_its_context():
    closed = []

    class Closing(Connection):
        async def close(self):
            closed.append(self)

    async with Closing() as connection:
        assert closed == []
    assert closed == [connection]


async def test_a_connection_that_opens_nothing_has_nothing_to_close():
    async with Connection(name="a") as connection:
        assert connection.problems == {}


def test_the_class_that_a_distribution_publishes_is_offered(kafka):
    from asyncworker.connections import PulsarConnection

    assert PulsarConnection is kafka.PulsarConnection
    assert asyncworker.connections.KafkaConnection is kafka.KafkaConnection


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("AMQPConnection", "asyncworker-rabbitmq"), ("SSEConnection", "asyncworker-sse")],
)
@pytest.mark.usefixtures("no_backends")
def test_the_class_of_a_missing_backend_says_what_to_install(name, distribution):
    with pytest.raises(ImportError) as caught:
        getattr(asyncworker.connections, name)
    assert str(caught.value) == f"{name} is provided by {distribution}: pip install {distribution}"


@pytest.mark.parametrize("name", ["PigeonConnection", "_private", "__wrapped__"])
def test_any_other_name_is_no_attribute(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(asyncworker.connections, name)


def test_a_broken_distribution_does_not_hide_the_classes_of_the_others(install, kafka):
    broken = "raise ImportError('no module named librdkafka')"
    entry_points = "[asyncworker.connections]\nBrokenConnection = broken:BrokenConnection\n"
    install("broken", broken, entry_points)
    assert asyncworker.connections.KafkaConnection is kafka.KafkaConnection
    with pytest.raises(ImportError, match="librdkafka"):
        _ = asyncworker.connections.BrokenConnection
