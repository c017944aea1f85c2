"""What cannot be written as a message: a body, a header, a property."""

from datetime import UTC, datetime

import pytest

from asyncworker.rabbitmq import NotSerializable
from asyncworker.rabbitmq.publishing.encoding import encoded

pytestmark = pytest.mark.usefixtures("path")


class Opaque:
    def __repr__(self):
        return "Opaque()"


def circle():
    ring = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize("body", [Opaque(), {"a": Opaque()}, circle()], ids=["a", "b", "circle"])
async def test_refuses_a_body_that_has_no_json_form(connection, body):
    with pytest.raises(NotSerializable, match="body has no JSON form"):
        await connection.put(body=body, routing_key="q")


A_VALUE = "a string, a number .whole ones of up to 64 bits., a bool, None, .*, got "


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"good": 1, "a": Opaque()}, f"header 'a' must be {A_VALUE}a Opaque"),
        ({"a": b"bytes"}, f"header 'a' must be {A_VALUE}a bytes of length 5"),
        ({"a": "secret\ud800"}, f"header 'a' must be {A_VALUE}a str of length 7"),
        ({"a": 2**64}, f"header 'a' must be {A_VALUE}18446744073709551616"),
        ({"a": datetime(1, 1, 1, tzinfo=UTC)}, f"header 'a' must be {A_VALUE}a datetime"),
        ({"a": [1, {"b": {"c": {2}}}]}, f"header 'a.b.c' must be {A_VALUE}a set"),
        ({1: 2}, "the name of a header must be a string of up to 128 bytes, got 1"),
        ({"é" * 65: 2}, "the name of a header must be .*, got a str of length 65"),
        ({"a": {1: 2}}, "the name of a header in 'a' must be a string of up to 128 bytes, got 1"),
        ({"a": [{"b" * 129: 2}]}, "the name of a header in 'a' must be .* of length 129"),
        ({"a": circle()}, "headers or properties have no AMQP form"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_tells_which_header_has_no_form_and_what_it_must_be(connection, headers, message):
    with pytest.raises(NotSerializable, match=f"^{message}$"):
        await connection.put(1, "q", headers=headers)
    with pytest.raises(NotSerializable, match=f"^{message}$"):
        await connection.put(1, "q", properties={"headers": headers})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("priority", "high", "a whole number from 0 to 255, got a str of length 4"),
        ("priority", 1000, "a whole number from 0 to 255, got 1000"),
        ("delivery_mode", 3, "1 or 2, got 3"),
        ("expiration", 10, "a string of digits, which are milliseconds, got 10"),
        ("timestamp", 5, "a datetime, got 5"),
        ("message_id", 7, "a string of up to 255 bytes, got 7"),
        ("message_id", "x" * 256, "a string of up to 255 bytes, got a str of length 256"),
        ("correlation_id", b"7", "a string of up to 255 bytes, got a bytes of length 1"),
        ("cluster_id", "x", "left out, got a str of length 1"),
    ],
)
async def test_tells_which_property_has_no_form_and_what_it_must_be(
    connection, name, value, wanted
):
    with pytest.raises(NotSerializable) as caught:
        await connection.put(1, "q", properties={"app_id": "shop", name: value})
    assert str(caught.value) == f"property {name!r} must be {wanted}"


async def test_refuses_headers_that_no_frame_can_hold_and_takes_the_largest(connection, queue, get):
    """The broker would end the connection, with all who publish by it, each time they are sent."""
    await connection.put(body=0, routing_key=queue)
    await get(queue)
    underlay = connection.publisher("/")._channel.underlay
    largest = underlay.connection.connection_tune.frame_max - 8
    properties = {"message_id": "m"}
    around = 12 + len(outgoing_header({"a": ""}, properties))
    too_large = rf"take {largest + 1} bytes, this broker takes {largest} at most: say it"
    with pytest.raises(NotSerializable, match=too_large):
        headers = {"a": "x" * (largest - around + 1)}
        await connection.put(body=0, routing_key=queue, headers=headers, properties=properties)
    headers = {"a": "x" * (largest - around)}
    await connection.put(body=1, routing_key=queue, headers=headers, properties=properties)

    message = await get(queue)
    assert message.headers == headers
    assert connection.publisher("/")._channel.underlay is underlay


def outgoing_header(headers, properties):
    message = encoded(
        body=1,
        routing_key="q",
        exchange="",
        headers=headers,
        properties=properties,
        mandatory=True,
    )
    return message.header
