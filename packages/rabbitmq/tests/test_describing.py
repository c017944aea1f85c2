"""What RabbitMQ routes take, publish and answer, in a document of AsyncAPI."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import pytest

from asyncworker import App, Header, Options, RouteTypes, codecs
from asyncworker.connections import AMQPConnection
from asyncworker.describing.documents import document
from asyncworker.rabbitmq import Binding, Exchange, Message, Queue, RabbitMQMessage, Target


@dataclass
class Order:
    product: str


@dataclass
class Invoice:
    cents: int


class Reading(msgspec.Struct):
    celsius: float


@pytest.fixture
def connection():
    return AMQPConnection(url="amqp://me:s3cret@rabbit:5673/shop", name="main")


@pytest.fixture
def app(connection):
    return App(connections=[connection])


def told(app):
    return document(app, "asyncapi")


def message_of(document, channel):
    [message] = document["channels"][channel]["messages"].values()
    return message


def test_a_queue_is_a_channel_with_its_binding(app):
    queue = Queue("orders", "quorum", bind=[Binding(Exchange("events", "topic"), "order.*")])

    @app.route([queue])
    async def store(
        order: Order, tenant: Annotated[str, Header("x-tenant")], n: Annotated[int, Header()] = 1
    ):
        """Store an order."""

    found = told(app)
    channel = found["channels"]["orders"]
    assert channel["address"] == "orders"
    assert channel["servers"] == [{"$ref": "#/servers/main"}]
    assert channel["bindings"]["amqp"] == {
        "is": "queue",
        "queue": {
            "name": "orders",
            "vhost": "shop",
            "durable": True,
            "exclusive": False,
            "autoDelete": False,
        },
        "bindingVersion": "0.3.0",
    }
    assert channel["x-rabbitmq"] == {
        "arguments": {"x-queue-type": "quorum"},
        "bindings": [{"exchange": "events", "type": "topic", "routingKey": "order.*"}],
    }
    message = message_of(found, "orders")
    assert message["contentType"] == "application/json"
    assert message["payload"] == {"$ref": "#/components/schemas/Order"}
    assert message["headers"]["required"] == ["x-tenant"]
    assert list(message["headers"]["properties"]) == ["x-tenant", "n"]
    operation = found["operations"]["store.orders"]
    assert (operation["action"], operation["summary"]) == ("receive", "Store an order.")
    assert operation["bindings"]["amqp"]["ack"] is True


def test_a_server_shows_no_login(app):
    @app.route(["orders"])
    async def store(messages): ...

    found = told(app)
    assert found["servers"]["main"] == {
        "host": "rabbit:5673",
        "protocol": "amqp",
        "pathname": "/shop",
    }
    assert "s3cret" not in str(found)
    assert "me" not in found["servers"]["main"].values()


def test_servers_are_told_apart():
    app = App(
        connections=[
            AMQPConnection(["a", "b:5673"], "guest", "guest"),
            first := AMQPConnection(url="memory://shop"),
        ]
    )

    @app.route(["orders"], connection=app.connections.all[0])
    async def store(messages): ...

    @app.route(["orders"], connection=first)
    async def keep(messages): ...

    @app.route(["orders"], connection=first, vhost="other")
    async def drop(messages): ...

    found = told(app)
    assert found["servers"] == {
        "rabbitmq": {"host": "a:5672", "protocol": "amqp"},
        "rabbitmq-2": {"host": "b:5673", "protocol": "amqp"},
        "rabbitmq-2-" + list(found["servers"])[2].rpartition("-")[2]: {
            "host": "shop",
            "protocol": "memory",
        },
        "rabbitmq-2-other": {"host": "shop", "protocol": "memory", "pathname": "/other"},
    }
    assert len(found["channels"]) == 3


def test_a_queue_that_is_but_named_is_the_one_that_is_declared(app):
    @app.route([Queue("orders", dead_letter=True)])
    async def store(messages): ...

    @app.route(["orders", "orders.dead"])
    async def look(messages): ...

    found = told(app)
    assert list(found["channels"]) == ["orders", "orders.dead"]
    assert found["channels"]["orders"]["x-rabbitmq"]["deadLetters"] == "orders.dead"
    assert found["channels"]["orders.dead"]["bindings"]["amqp"]["queue"]["durable"] is True


@pytest.mark.parametrize(
    ("returned", "bulk", "expected"),
    [
        (Invoice, 1, {"$ref": "#/components/schemas/Invoice"}),
        (Invoice | None, 1, {"$ref": "#/components/schemas/Invoice"}),
        (list[Invoice], 10, {"$ref": "#/components/schemas/Invoice"}),
        (list[Invoice | None], 10, {"$ref": "#/components/schemas/Invoice"}),
        (Message | None, 1, {}),
        (list[Message], 10, {}),
        ("Missing", 1, {}),
        (bytes, 1, {"type": "string", "format": "binary"}),
    ],
)
def test_what_is_returned_is_sent(app, returned, bulk, expected):
    async def bill(messages: list[RabbitMQMessage]): ...

    bill.__annotations__["return"] = returned
    app.route(["orders"], options={Options.BULK_SIZE: bulk}, publish_to="invoices")(bill)
    found = told(app)
    assert message_of(found, "invoices")["payload"] == expected
    assert found["operations"]["bill.invoices"]["action"] == "send"


def test_what_goes_to_an_exchange_has_its_routing_key(app):
    exchange = Exchange("events", "topic", durable=False)

    @app.route(
        [Queue("orders", bind=[Binding(exchange, "order.*")])],
        publish_to=Target("billed", "events"),
    )
    async def bill(order: Order) -> Invoice: ...

    channel = told(app)["channels"]["billed"]
    assert channel["bindings"]["amqp"] == {
        "is": "routingKey",
        "exchange": {
            "name": "events",
            "vhost": "shop",
            "type": "topic",
            "durable": False,
            "autoDelete": False,
        },
        "bindingVersion": "0.3.0",
    }


def test_an_answer_is_a_reply(app):
    @app.route(["prices"], replies=True)
    async def price(product: str) -> int | None: ...

    found = told(app)
    reply, failure = found["channels"]["price.prices.reply"]["messages"].values()
    assert reply["payload"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert failure["payload"] == {"$ref": "#/components/schemas/Failure"}
    assert failure["headers"]["required"] == ["x-asyncworker-error"]
    assert found["operations"]["price.prices"]["reply"]["address"] == {
        "location": "$message.header#/replyTo"
    }


@pytest.mark.parametrize(
    ("codec", "declared", "expected"),
    [
        (codecs.JSON, object, "application/json"),
        (codecs.MSGPACK, Order, "application/vnd.msgpack"),
        (codecs.TEXT, str, "text/plain; charset=utf-8"),
        (codecs.RAW, bytes, "application/octet-stream"),
        (None, bytes, None),
        (None, Reading, "application/json"),
    ],
)
def test_the_codec_says_the_content_type(app, codec, declared, expected):
    async def store(messages): ...

    store.__annotations__["messages"] = RabbitMQMessage[declared]
    options = {} if codec is None else {Options.CODEC: codec}
    app.route(["orders"], options=options, type=RouteTypes.AMQP_RABBITMQ)(store)
    assert message_of(told(app), "orders").get("contentType") == expected


def test_types_of_a_function_are_known(app):
    @dataclass
    class Local:
        id: int

    @app.route(["orders"], publish_to="others")
    async def store(order: Local) -> Local: ...

    found = told(app)
    for channel in ("orders", "others"):
        assert message_of(found, channel)["payload"] == {"$ref": "#/components/schemas/Local"}


def test_a_plain_function_says_as_much(app):
    @app.route(["orders"], publish_to="invoices")
    def bill(order: Order) -> Invoice:
        """Bill an order."""

    found = told(app)
    assert message_of(found, "invoices")["payload"] == {"$ref": "#/components/schemas/Invoice"}
    assert found["operations"]["bill.orders"]["summary"] == "Bill an order."
