"""Bodies of any kind: what reaches a handler, what does not, and what becomes of that."""

import asyncio
import gzip
import sys
import tracemalloc
import zlib
from dataclasses import dataclass
from decimal import Decimal

import msgpack
import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pamqp.commands import Basic
from pydantic import BaseModel

from asyncworker import Actions, App, Events, Options, RouteTypes, codecs
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.rabbitmq import AMQPConnection, AMQPOptions, NotSerializable, Retry
from asyncworker.rabbitmq.amqp.frames import DELIVER
from asyncworker.rabbitmq.consuming.deliveries import read
from asyncworker.rabbitmq.decoding import MOST_KNOWN, Decoder
from asyncworker.rabbitmq.settings import RabbitMQSettings
from asyncworker.testing import TestApp

SECRET = b"hunter2"
LIMIT = "ASYNCWORKER_RABBITMQ_BODY_LIMIT"

everywhere = pytest.mark.usefixtures("path")


def route(app, queue, handler, **options):
    keys = {**vars(Options), **Options.__members__, **Events.__members__}
    given = {keys[name]: value for name, value in options.items()}
    return app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)


@pytest.fixture
async def dead(declare):
    return await declare()


@pytest.fixture
async def mortal(declare, dead):
    """A queue with a dead-letter queue."""
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    return await declare(**dead_letters)


@pytest.fixture(scope="module")
def bomb():
    """A gigabyte of zeros, as gzip."""
    made = zlib.compressobj(wbits=31)
    zeros = bytes(2**20)
    return b"".join([*(made.compress(zeros) for _ in range(2**10)), made.flush()])


GOOD = [
    (b"[1]", {}, [1]),
    (b"[1]", {"content_type": "application/json"}, [1]),
    (b"[1]", {"content_type": "application/cloudevents+json; charset=utf-8"}, [1]),
    ('"é"'.encode("latin-1"), {"content_type": "application/json; charset=latin-1"}, "é"),
    ("é".encode(), {"content_type": "text/plain"}, "é"),
    ("é".encode("utf-16"), {"content_type": "text/csv; charset=utf-16"}, "é"),
    (b"\x89PNG", {"content_type": "image/png"}, b"\x89PNG"),
    (gzip.compress(b"[1]"), {"content_encoding": "gzip"}, [1]),
    (zlib.compress(b"a"), {"content_encoding": "deflate", "content_type": "text/plain"}, "a"),
    (zstandard.compress(b"[1]"), {"content_encoding": "zstd"}, [1]),
    (zlib.compress(gzip.compress(b"1")), {"content_encoding": "gzip, deflate"}, 1),
    (b"[1]", {"content_encoding": "utf-8", "content_type": "application/json"}, [1]),
    (gzip.compress(b"\0"), {"content_encoding": "gzip", "content_type": "a/b"}, b"\0"),
]


@everywhere
async def test_the_message_says_what_its_body_is(app, inbox, queue, publish):
    route(app, queue, inbox, BULK_SIZE=len(GOOD))
    async with app.started():
        for body, properties, _ in GOOD:
            await publish(queue, body, **properties, headers={"a": 1})
        batch = await inbox.batch()
    assert [message.body for message in batch] == [value for _, _, value in GOOD]
    assert [message.raw_body for message in batch] == [body for body, _, _ in GOOD]


POISON = {
    "no JSON": (SECRET, {"content_type": "application/json"}, "body is no JSON: Expecting value: "),
    "nothing said": (SECRET, {}, "body is no JSON: Expecting value: line 1 column 1 (char 0)"),
    "charset": (
        b"hunter2\xff",
        {"content_type": "text/plain"},
        "body is no text: byte 7 is no utf",
    ),
    "no charset": (SECRET, {"content_type": "text/plain;charset=x"}, "charset 'x' is unknown"),
    "encoding": (SECRET, {"content_encoding": "br"}, "content encoding 'br' is unknown: gzip, "),
    "no gzip": (SECRET, {"content_encoding": "gzip"}, "body is no gzip: error"),
    "half a gzip": (
        gzip.compress(SECRET)[:-1],
        {"content_encoding": "gzip"},
        "body is no whole gzip: it ends too early",
    ),
    "bomb": (None, {"content_encoding": "gzip"}, "body comes to more than 1048576 bytes when gzip"),
    "gzip in gzip": (
        gzip.compress(SECRET),
        {"content_encoding": "gzip, gzip"},
        "body is no gzip: error",
    ),
}


@everywhere
@pytest.mark.parametrize("kind", POISON)
async def test_poison_goes_alone_and_is_logged_once(
    app, inbox, mortal, dead, publish, admin, logs, kind, bomb, monkeypatch
):
    monkeypatch.setenv(LIMIT, str(2**20))
    body, properties, reason = POISON[kind]
    route(app, mortal, inbox, BULK_SIZE=2)
    async with app.started():
        await publish(mortal, b"1")
        await publish(mortal, bomb if body is None else body, message_id="bad", **properties)
        await publish(mortal, b"2")
        assert [message.body for message in await inbox.batch()] == [1, 2]
    kept = await (await admin.get_queue(dead)).get()
    assert kept.body == (bomb if body is None else body)
    (record,) = [one for one in logs.records if "whose" in one.getMessage()]
    assert f"queue {mortal!r}" in record.getMessage()
    assert f": rejected a message whose {reason}" in record.getMessage()
    assert record.message_id == "bad"
    assert SECRET.decode() not in record.getMessage()


async def test_a_bomb_takes_no_more_memory_than_the_limit(bomb, monkeypatch, inbox):
    monkeypatch.setenv(LIMIT, str(2**20))
    app = App(connections=[AMQPConnection(url="memory://bombs")])
    route(app, "q", inbox)
    async with TestApp(app) as worker:
        tracemalloc.start()
        try:
            await worker.publish(bomb, "q", properties={"content_encoding": "gzip"})
            await worker.idle()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert [message.outcome for message in worker.messages] == ["rejected"]
    assert peak < 4 * len(bomb) + 2**23


@everywhere
async def test_what_is_invalid_may_be_acknowledged(app, inbox, mortal, dead, publish, depth, logs):
    route(app, mortal, inbox, ON_INVALID=Actions.ACK)
    async with app.started():
        await publish(mortal, SECRET)
        await publish(mortal, b"1")
        assert await inbox.bodies(1) == [1]
        await logs.wait("acknowledged a message whose body is no JSON")
    assert (await depth(mortal), await depth(dead)) == (0, 0)


class Witness:
    """A codec that notes when it was asked, and takes what it is asked for the fifth time."""

    def __init__(self):
        self.asked = []

    def decode(self, body, message):
        self.asked.append(asyncio.get_running_loop().time())
        if len(self.asked) == 5:
            return body
        raise Invalid("body is not wanted now")

    def encode(self, value):
        return value, "application/wanted"


@everywhere
async def test_what_goes_back_comes_again_at_a_pace_and_is_logged_once(
    app, inbox, queue, publish, logs
):
    codec = Witness()
    route(app, queue, inbox, ON_INVALID=Actions.REQUEUE, CODEC=codec)
    async with app.started():
        await publish(queue, SECRET)
        await logs.wait("Events.ON_INVALID puts back a message that came again")
        assert await inbox.bodies(1) == [SECRET]
    gaps = [later - one for one, later in zip(codec.asked, codec.asked[1:], strict=False)]
    assert min(gaps) >= 0.09
    told = [one.getMessage() for one in logs.records if "whose" in one.getMessage()]
    assert [text.partition(": ")[2] for text in told] == [
        "put back a message whose body is not wanted now"
    ]
    assert sum("came again" in one.getMessage() for one in logs.records) == 1


@everywhere
async def test_what_is_invalid_may_be_tried_again(app, inbox, mortal, dead, publish, logs):
    codec = Witness()
    retry = Retry(attempts=3, delay=0.1, factor=1)
    lost = type(inbox)()
    route(app, dead, lost, CODEC=codecs.RAW)
    route(app, mortal, inbox, ON_INVALID=retry, CODEC=codec)
    async with app.started():
        await publish(mortal, SECRET)
        assert await lost.bodies(1) == [SECRET]
    assert len(codec.asked) == 3
    told = [one.getMessage() for one in logs.records if "whose" in one.getMessage()]
    assert len(told) == 3


class Faulty:
    def __init__(self, error):
        self.error = error

    def decode(self, body, message):
        raise self.error

    def encode(self, value):
        raise self.error


@everywhere
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Invalid("schema 7 is unknown"), "rejected a message whose schema 7 is unknown"),
        (
            KeyError("hunter2"),
            "rejected a message whose body cannot be decoded: KeyError at test_bo",
        ),
        (
            RecursionError("hunter2"),
            "whose body cannot be decoded: RecursionError at test_bodies.py",
        ),
    ],
)
async def test_a_codec_that_raises_harms_nobody(
    app, inbox, declare, mortal, dead, publish, depth, logs, error, told
):
    other = await declare()
    route(app, mortal, inbox, CODEC=Faulty(error))
    route(app, other, inbox)
    async with app.started():
        await publish(mortal, SECRET)
        await logs.wait(told)
        await publish(other, b"1")
        assert await inbox.bodies(1) == [1]
    assert await depth(dead) == 1
    assert not any("hunter2" in one.getMessage() for one in logs.records)


@dataclass
class Order:
    id: int
    price: Decimal


class Model(BaseModel):
    id: int
    price: Decimal


class Struct(msgspec.Struct):
    id: int
    price: Decimal


ORDERS = [kind(id=7, price=Decimal("4.50")) for kind in (Order, Model, Struct)]
PLAIN = {"id": 7, "price": "4.50"}


@everywhere
@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        (None, "application/json"),
        ("json", "application/json"),
        (codecs.MSGPACK, "application/vnd.msgpack"),
    ],
)
async def test_what_is_put_by_a_codec_is_read_by_it(amqp_url, queue, inbox, codec, content_type):
    connection = AMQPConnection(url=amqp_url, codec=codec)
    app = App(connections=[connection])
    route(app, queue, inbox, BULK_SIZE=4)
    async with connection, app.started():
        for order in [*ORDERS, PLAIN]:
            await connection.put(order, queue)
        batch = await inbox.batch()
    assert [message.body for message in batch] == [PLAIN] * 4
    assert [message.content_type for message in batch] == [content_type] * 4


@everywhere
async def test_a_route_may_decode_by_another_codec_than_its_connection(amqp_url, queue, inbox):
    connection = AMQPConnection(url=amqp_url, codec=codecs.TEXT)
    app = App(connections=[connection])
    route(app, queue, inbox, CODEC="raw")
    async with connection, app.started():
        await connection.put("é", queue)
        await connection.put("é", queue, properties={"content_encoding": "zip"})
        batch = [*(await inbox.batch()), *(await inbox.batch())]
    assert [message.body for message in batch] == ["é".encode()] * 2
    assert batch[0].content_type == "text/plain; charset=utf-8"


@everywhere
async def test_strings_and_bytes_are_what_they_were(connection, queue, admin):
    async with connection:
        await connection.put("a", queue)
        await connection.put(b"a", queue)
        await connection.put("é", queue, properties={"content_type": "text/plain; charset=latin-1"})
        await connection.put("é", queue, properties={"content_type": "application/x+json"})
    found = await admin.get_queue(queue)
    got = [await found.get(no_ack=True) for _ in range(4)]
    assert [(one.body, one.content_type) for one in got] == [
        (b'"a"', "application/json"),
        (b"a", "application/octet-stream"),
        (b"\xe9", "text/plain; charset=latin-1"),
        ('"é"'.encode(), "application/x+json"),
    ]


@pytest.mark.parametrize(
    ("codec", "body", "reason"),
    [
        (codecs.TEXT, 7, "body must be a str to go as text, got int"),
        (codecs.RAW, "hunter2", "body must be bytes to go as they are, got str"),
        (codecs.MSGPACK, object(), "body has no msgpack form: Unable to serialize unknown type"),
        (None, object(), "body has no JSON form: Unable to serialize unknown type: .*object"),
        (Faulty(KeyError("a")), 7, "body cannot be encoded by Faulty: KeyError: 'a'"),
        (Witness(), 7, "by Witness: encode.. must return .bytes, content type., got tuple"),
    ],
)
async def test_put_says_what_cannot_be_encoded(codec, body, reason):
    connection = AMQPConnection(url="memory://bad", codec=codec)
    with pytest.raises(NotSerializable, match=reason):
        await connection.put(body, "q")


async def test_put_says_what_has_no_form_in_a_charset():
    connection = AMQPConnection(url="memory://bad")
    with pytest.raises(NotSerializable, match="as text: character 0 has no form in latin-1"):
        await connection.put("☃", "q", properties={"content_type": "text/a; charset=latin-1"})
    with pytest.raises(NotSerializable, match="charset 'klingon' is unknown"):
        await connection.put("a", "q", properties={"content_type": "text/a; charset=klingon"})


NO_CODEC = "Options.CODEC: must be a codec"
NO_OUTCOME = "Events.ON_INVALID: must be one of Actions or a Retry, got"
CHOICES = "BY_CONTENT_TYPE, JSON, MSGPACK, RAW, TEXT"
HAS = "which has decode(body, message) and encode(value)"
BAD_OPTIONS = [
    (
        {Options.CODEC: "jsn"},
        f"{NO_CODEC}: did you mean JSON? choose from {CHOICES}, got 'jsn'",
    ),
    (
        {Options.CODEC: Order},
        f"{NO_CODEC}, not its class: write Order(), got <class 'test_bodies.Order'>",
    ),
    ({Options.CODEC: 7}, f"{NO_CODEC}, {HAS}: no decode, got 7"),
    ({Events.ON_INVALID: "reject"}, f"{NO_OUTCOME} 'reject'"),
    (
        {Events.ON_INVALID: {ValueError: Actions.ACK}},
        f"{NO_OUTCOME} {{<class 'ValueError'>: <Actions.ACK: 'ack'>}}",
    ),
]


@pytest.mark.parametrize(("options", "line"), BAD_OPTIONS)
def test_a_bad_option_is_one_line_at_the_decorator(options, line, inbox):
    app = App(connections=[AMQPConnection(url="memory://bad")])
    with pytest.raises(ConfigurationError) as raised:
        app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, options=options)(inbox)
    assert str(raised.value).replace(__name__, "test_bodies") == line


def test_a_bad_codec_of_a_connection_is_one_line():
    with pytest.raises(ConfigurationError, match=r"^codec must be a codec: did you mean TEXT\? .*"):
        AMQPConnection(url="memory://bad", codec="txt")


def test_says_what_to_install_at_the_decorator(monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncworker.codecs.msgpack")
    monkeypatch.setitem(sys.modules, "msgpack", None)
    line = r"needs msgpack: pip install 'asyncworker-core\[msgpack\]', got 'msgpack'$"
    with pytest.raises(ConfigurationError, match=rf"^Options.CODEC: {line}"):
        AMQPOptions(codec="msgpack")


def test_a_limit_that_is_none_is_one_line(monkeypatch):
    monkeypatch.setenv(LIMIT, "0")
    with pytest.raises(ConfigurationError, match=f"^{LIMIT}: input should be greater than"):
        RabbitMQSettings.load()


async def test_the_test_app_goes_the_same_way(inbox):
    app = App(connections=[AMQPConnection(url="memory://bodies", codec=codecs.MSGPACK)])
    route(app, "q", inbox)
    async with TestApp(app) as worker:
        other = worker.queue("other")
        await worker.publish(PLAIN, "q")
        await worker.publish(PLAIN, "other")
        await worker.publish(b"a", "other", properties={"content_type": "text/plain"})
        await worker.idle()
        assert [message.body for message in await inbox.batch()] == [PLAIN]
        assert [message.outcome for message in worker.messages] == ["acked"]
        packed = msgpack.packb(PLAIN)
        assert worker.messages[0].body == packed
        assert other.bodies[0] == packed


def test_the_table_of_routes_shows_the_codec(inbox):
    from asyncworker.cli.listing import rows_of

    app = App(connections=[AMQPConnection(url="memory://shown")])
    route(app, "a", inbox, CODEC="msgpack", ON_INVALID=Retry(attempts=2))
    route(app, "b", inbox, CODEC=Witness())
    assert [row[3].partition("vhost=/ ")[2] for row in rows_of(app)] == [
        "on_invalid=Retry(attempts=2) codec=codecs.MSGPACK",
        "codec=Witness",
    ]


def outcome_of(delivered, decoder):
    poison = []
    messages = read([delivered], {b"q": "q"}, None, decoder, lambda _, why: poison.append(why))
    return [one.body for one in messages], list(map(str, poison))


content_types = st.none() | st.sampled_from(
    [
        "application/json",
        "application/jsox",
        "application/json; charset=utf-8",
        "application/json;charset=latin-1",
        "a/b+json",
        "text/plain",
        "text/plain; charset=utf-16",
        "application/octet-stream",
        "",
        "é",
    ]
)
encodings = st.none() | st.sampled_from(["gzip", "utf-8", "latin-1", "br", "application/json"])
raw_bodies = st.binary() | st.sampled_from(
    [b"1", b'"\xc3\xa9"', b'"\xe9"', '"é"'.encode("utf-16"), gzip.compress(b"1"), b"[" * 9999]
)


@hypothesis(deadline=None)
@given(content_types, encodings, raw_bodies, st.sampled_from(codecs.OWN), st.booleans())
def test_what_is_read_in_haste_is_what_the_codec_reads(
    content_type, encoding, body, name, is_known
):
    """In haste a message is looked at no further than for its usual content type, or none."""
    codec = getattr(codecs, name)
    properties = Basic.Properties(content_type=content_type, content_encoding=encoding, priority=1)
    delivered = (
        DELIVER,
        Basic.Deliver("q", 7, False, "", "q").marshal(),
        properties.marshal(),
        body,
    )
    hasty, slow = Decoder(codec), Decoder(codec)
    if is_known:
        # As it is from the second one on.
        outcome_of(delivered, hasty)
    slow.usual, slow.below = None, 0
    assert outcome_of(delivered, hasty) == outcome_of(delivered, slow)


def test_no_more_content_types_are_remembered_than_there_are_in_use():
    decoder = Decoder(codecs.BY_CONTENT_TYPE)
    for number in range(1000):
        properties = Basic.Properties(content_type=f"application/x{number}+json").marshal()
        delivered = (DELIVER, Basic.Deliver("q", 7, False, "", "q").marshal(), properties, b"1")
        (message,) = read([delivered], {b"q": "q"}, None, decoder, None)
        assert message.body == 1
    assert len(decoder._known) == MOST_KNOWN
