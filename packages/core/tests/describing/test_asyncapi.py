"""What is received and sent, as a document of AsyncAPI."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from asyncworker.describing.about import About
from asyncworker.describing.asyncapi import asyncapi
from asyncworker.description import Channel, Description, Message, Operation, Server
from asyncworker.description import Field as Header

ABOUT = About("shop", "1.2.3", "Sells tea.")
BROKER = Server(name="main", host="rabbit:5672", protocol="amqp", path="/shop")


class Order(BaseModel):
    product: str
    note: str | None = None


class Tree(BaseModel):
    children: list["Tree"] = []


@dataclass
class Point:
    at: tuple[float, float]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


async def store(order):
    """Store an order.

    Twice is as good as once.
    """


async def other(order): ...


def told(*operations):
    return asyncapi(Description(operations=operations), ABOUT)


def received(declared=object, address="orders", handler=store, **more):
    message = Message(type=declared, **more)
    channel = Channel(address=address, servers=(BROKER,))
    return Operation(action="receive", channel=channel, handler=handler, message=message)


def payload(document):
    [channel] = document["channels"].values()
    [message] = channel["messages"].values()
    return message["payload"]


def test_a_document_says_whose_it_is():
    assert told() == {
        "asyncapi": "3.0.0",
        "info": {"title": "shop", "version": "1.2.3", "description": "Sells tea."},
    }


def test_an_operation_says_what_its_docstring_does():
    document = told(received(Order, content_type="application/json"))
    assert document["operations"]["store.orders"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/orders"},
        "title": "store",
        "summary": "Store an order.",
        "description": "Twice is as good as once.",
        "messages": [{"$ref": "#/channels/orders/messages/Order"}],
    }
    assert document["channels"]["orders"] == {
        "address": "orders",
        "servers": [{"$ref": "#/servers/main"}],
        "messages": {
            "Order": {
                "name": "Order",
                "contentType": "application/json",
                "payload": {"$ref": "#/components/schemas/Order"},
            }
        },
    }
    host = {"host": "rabbit:5672", "protocol": "amqp", "pathname": "/shop"}
    assert document["servers"] == {"main": host}
    assert document["components"]["schemas"]["Order"]["required"] == ["product"]


def test_what_nothing_is_said_of_is_anything():
    assert payload(told(received())) == {}


def test_headers_are_an_object():
    headers = (Header(name="x-tenant", type=str), Header(name="n", type=int, is_required=False))
    document = told(received(headers=headers))
    assert document["channels"]["orders"]["messages"]["Message"]["headers"] == {
        "type": "object",
        "properties": {"x-tenant": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["x-tenant"],
    }


def test_schemas_are_those_of_draft_7():
    document = told(received(Point))
    assert document["components"]["schemas"]["Point"]["properties"]["at"] == {
        "type": "array",
        "items": [{"type": "number"}, {"type": "number"}],
        "minItems": 2,
        "maxItems": 2,
    }
    pets = Annotated[Cat | Dog, Field(discriminator="kind")]
    assert "discriminator" not in payload(told(received(pets)))


def test_a_class_that_refers_to_itself_does_so_by_its_name():
    document = told(received(Tree))
    children = document["components"]["schemas"]["Tree"]["properties"]["children"]
    assert children["items"] == {"$ref": "#/components/schemas/Tree"}


def test_what_is_taken_and_given_by_the_same_class_may_differ():
    class Priced(BaseModel):
        cents: int = Field(validation_alias="price")

    channel = Channel(address="prices")
    sent = Operation(action="send", channel=channel, handler=store, message=Message(type=Priced))
    document = told(received(Priced), sent)
    schemas = document["components"]["schemas"]
    assert list(schemas["Priced-Input"]["properties"]) == ["price"]
    assert list(schemas["Priced-Output"]["properties"]) == ["cents"]
    assert list(document["channels"]["prices"]["messages"]) == ["Priced"]


def test_an_answer_goes_to_who_asked():
    asked = Operation(
        action="receive",
        channel=Channel(address="prices"),
        handler=store,
        replies=(Message(type=int, content_type="application/json"),),
    )
    document = told(asked)
    assert document["operations"]["store.prices"]["reply"] == {
        "address": {"location": "$message.header#/replyTo"},
        "channel": {"$ref": "#/channels/store.prices.reply"},
        "messages": [{"$ref": "#/channels/store.prices.reply/messages/Message"}],
    }
    reply = document["channels"]["store.prices.reply"]
    assert reply["address"] is None
    assert reply["messages"]["Message"]["payload"] == {"type": "integer"}


def test_names_of_odd_characters_are_told_apart():
    document = told(*(received(address=address) for address in ("a/b", "a b", "a/b")))
    first, second = document["channels"]
    assert first == "a_b"
    assert second.startswith("a_b-")
    assert [one["address"] for one in document["channels"].values()] == ["a/b", "a b"]


def test_an_address_with_braces_is_no_pattern():
    document = told(received(address="orders-{eu}"))
    [channel] = document["channels"].values()
    assert (channel["address"], channel["title"]) == (None, "orders-{eu}")


def test_two_messages_of_one_channel_are_told_apart():
    document = told(
        received(Order),
        received(Order, headers=(Header(name="x", type=str),), handler=other),
    )
    assert list(document["channels"]["orders"]["messages"]) == ["Order", "Order.other"]
    assert document["operations"]["other.orders"]["messages"] == [
        {"$ref": "#/channels/orders/messages/Order.other"}
    ]
