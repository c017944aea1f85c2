"""Documents of AsyncAPI, before and after."""

from dataclasses import dataclass

import pytest

from asyncworker.comparing.documents import compared
from asyncworker.describing.about import About
from asyncworker.describing.asyncapi import asyncapi
from asyncworker.description import Channel, Description, Field, Message, Operation


@dataclass
class Order:
    product: str
    note: str = ""


@dataclass
class Strict:
    product: str
    tenant: str


async def store(order): ...


def queue(name="orders", kind="classic", durable=True):
    amqp = {
        "is": "queue",
        "queue": {"name": name, "vhost": "/", "durable": durable},
        "bindingVersion": "0.3.0",
    }
    more = {"x-rabbitmq": {"arguments": {"x-queue-type": kind}}}
    return Channel(address=name, bindings={"amqp": amqp}, more=more)


def receive(declared=object, channel=None, **more):
    headers = more.pop("headers", ())
    content_type = more.pop("content_type", None)
    message = Message(type=declared, headers=headers, content_type=content_type)
    return Operation(
        action="receive", channel=channel or queue(), handler=store, message=message, **more
    )


def send(declared=object, channel=None):
    message = Message(type=declared)
    return Operation(action="send", channel=channel or queue(), handler=store, message=message)


def changes(old, new):
    before, after = (
        asyncapi(Description(operations=tuple(operations)), About("shop", "1"))
        for operations in (old, new)
    )
    return [(str(one), one.breaks) for one in compared("asyncapi", before, after)]


BROKEN = [
    ([receive()], [], "receive from 'orders': is gone"),
    ([send()], [receive()], "send to 'orders': is gone"),
    ([receive(Order)], [receive(Strict)], "receive from 'orders': body.tenant is required now"),
    ([send(Strict)], [send(Order)], "send to 'orders': body.tenant is gone"),
    (
        [receive()],
        [receive(headers=(Field(name="x-tenant", type=str),))],
        "receive from 'orders': headers.x-tenant is required now",
    ),
    (
        [receive(content_type="application/json")],
        [receive(content_type="application/vnd.msgpack")],
        "receive from 'orders': no longer takes bodies of application/json",
    ),
    (
        [receive(channel=queue(kind="classic"))],
        [receive(channel=queue(kind="quorum"))],
        "receive from 'orders': the queue type was 'classic', and is 'quorum' now",
    ),
    (
        [receive(channel=queue())],
        [receive(channel=queue(durable=False))],
        "receive from 'orders': the queue durable was True, and is False now",
    ),
    ([receive(replies=(Message(),))], [receive()], "receive from 'orders': is no longer answered"),
    (
        [receive(replies=(Message(type=int),))],
        [receive(replies=(Message(type=str),))],
        "answer to 'orders': body may be string now",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN)
def test_what_breaks_is_named(old, new, expected):
    assert (expected, True) in changes(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([receive(Strict)], [receive(Order)]),
        ([send(Order)], [send(Order)]),
        ([receive(Order, content_type="application/json")], [receive(Order)]),
        ([receive()], [receive(replies=(Message(type=int),))]),
        ([receive(headers=(Field(name="x"),))], [receive()]),
    ],
)
def test_what_takes_as_much_passes(old, new):
    assert changes(old, new) == []


def test_what_is_new_is_told_and_breaks_nobody():
    new = [receive(), send(channel=queue("invoices"))]
    assert changes([receive()], new) == [("send to 'invoices': is new", False)]


def test_a_handler_may_be_called_otherwise():
    async def renamed(order): ...

    other = Operation(action="receive", channel=queue(), handler=renamed)
    assert changes([receive()], [other]) == []


def test_one_of_several_messages_is_enough():
    both = [
        receive(Order),
        Operation(action="receive", channel=queue(), handler=send, message=Message(type=Strict)),
    ]
    assert changes([receive(Strict)], both) == []
