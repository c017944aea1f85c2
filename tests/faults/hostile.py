"""Messages as strangers may write them, and an app whose routes do all that can be done to them."""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from struct import pack

from asyncworker import Actions, App, Events, Options, RouteTypes, codecs
from asyncworker.rabbitmq import AMQPConnection, RabbitMQMessage, Retry
from asyncworker.rabbitmq.amqp.properties import (
    ALL,
    CONTENT_ENCODING,
    DELIVERY_MODE,
    EXPIRATION,
    HEADERS,
    PRIORITY,
    TIMESTAMP,
    USER_ID,
    split_properties,
)
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.wire.outgoing import Outgoing
from tests.faults.waiting import LIMIT, until

FEATURES = ("plain", "bulk", "retry", "again", "back", "reject", "forward", "dead", "sink")
"""Each with a queue of its own; those but the last two are published to."""
FRAME = 131_072
ROOM = FRAME - 8 - 12
"""Bytes of properties that just fit a frame."""
AT_ONCE = 500
NAMES = (
    b"x-death",
    b"x-delivery-count",
    b"x-acquired-count",
    b"x-first-death-queue",
    b"x-last-death-reason",
    *(
        b"x-asyncworker-" + name
        for name in (
            b"attempt",
            b"deliveries",
            b"exchange",
            b"routing-key",
            b"expiration",
            b"user-id",
            b"cc",
            b"death",
        )
    ),
    b"trace",
    b"",
    b"\xff\xfe",
    b"n" * 255,
)
WHOLE = {"b": 1, "B": 1, "s": 2, "u": 2, "I": 4, "i": 4, "l": 8, "L": 8, "T": 8}
TEXTS = (b"", b"1", b"text", b"\xff\xfe\x00", "é\N{SNOWMAN}".encode(), b"guest" * 40)
POISON = (b"{", b"", b"\xff", b"[" * 5000, b'{"n": }', b"1" * 5000 + b"!")
NO_TEXT = b"\0"
TEXT_FLAGS = (0x8000, 0x4000, 0x0400, 0x0200, 0x0080, 0x0020, 0x0008, 0x0004)
"""Properties that are any short string; the others are more to a broker than bytes."""


class OnPurpose(Exception):
    """Be what handlers raise."""


def table(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    packed = b"".join(bytes([len(name)]) + name + value for name, value in fields)
    return pack("!I", len(packed)) + packed


DEATH = b"F" + table(
    [(b"queue", b"S\0\0\0\4dead"), (b"reason", b"S\0\0\0\7expired"), (b"count", b"l" + bytes(8))]
)
DEATHS = b"A" + pack("!I", len(DEATH)) + DEATH
"""A list of another form ends the process of a queue of RabbitMQ 3.10, as it dead-letters it."""


class Stranger:
    """Write whatever brokers let pass, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def properties(self) -> bytes:
        """Return the properties of a message: flags and values."""
        size = self._random.random()
        if size < 0.002:
            return self._just_fitting()
        if size < 0.004:
            depth = self._random.randint(900, 2000)
            return b"\x20\x00" + table([(b"trace", self._nested(depth))])
        makers = {
            HEADERS: self._headers,
            DELIVERY_MODE: lambda: self._random.choice((b"\x01", b"\x02")),
            PRIORITY: lambda: self._random.randbytes(1),
            EXPIRATION: lambda: b"\x0a4294967295",
            TIMESTAMP: lambda: self._number(8),
            USER_ID: lambda: b"\x05guest",
            **dict.fromkeys(TEXT_FLAGS, self._short),
        }
        parts = {
            flag: make()
            for flag, make in makers.items()
            # No handler is given what is encoded in a way that nobody knows: most are to be given.
            if self._random.random() < (0.05 if flag == CONTENT_ENCODING else 0.5)
        }
        # The two lowest bits mean nothing, and brokers let them pass.
        flags = sum(parts) | self._random.randrange(4)
        return pack("!H", flags) + b"".join(parts[flag] for flag in ALL if flag in parts)

    def body(self, number: int) -> bytes | None:
        """Return a body with that number, or one that is no JSON."""
        draw = self._random
        if draw.random() < 0.05:
            return None
        text = json.dumps({"n": number, "text": draw.choice(("", "\ud800", "é", 0.1, 10**400))})
        return text.encode(draw.choice(("utf-8", "utf-8", "utf-16", "utf-32")))

    def poison(self) -> bytes:
        return self._random.choice(POISON)

    def _just_fitting(self) -> bytes:
        less = self._random.choice((0, 0, 1, 10, 30, 100))
        name = self._random.choice((b"x", b"x-death", b"x-asyncworker-exchange"))
        text = ROOM - less - 2 - 4 - 1 - len(name) - 5
        return b"\x20\x00" + table([(name, b"S" + pack("!I", text) + b"a" * text)])

    def _headers(self) -> bytes:
        return table(self._field() for _ in range(self._random.randrange(6)))

    def _field(self) -> tuple[bytes, bytes]:
        name, value = self._name(), self._value(3)
        is_list = value.startswith(b"A")
        return name, DEATHS if name == b"x-death" and is_list else value

    def _name(self) -> bytes:
        return self._random.choice(NAMES)

    def _short(self) -> bytes:
        text = self._random.choice(TEXTS)
        return bytes([len(text)]) + text

    def _number(self, size: int) -> bytes:
        draw = self._random
        whole = draw.choice((b"\x00" * size, b"\xff" * size, b"\x7f" + b"\xff" * (size - 1)))
        return draw.choice((whole, draw.randbytes(size), bytes([*bytes(size - 1), 7])))

    def _value(self, deep: int) -> bytes:
        draw = self._random
        kind = draw.choice("bBsuIilLTtDVfdSSxAFAF" if deep else "bBsuIilLTtDVfdSSx")
        start = kind.encode()
        if kind in WHOLE:
            return start + self._number(WHOLE[kind])
        if kind == "t":
            return start + draw.randbytes(1)
        if kind == "D":
            return start + draw.randbytes(1) + self._number(4)
        if kind in "fd":
            return start + pack(f"!{kind}", draw.choice((0.0, -1.5, 1e30)))
        if kind in "Sx":
            text = draw.choice(TEXTS)
            return start + pack("!I", len(text)) + text
        if kind == "A":
            inner = b"".join(self._value(deep - 1) for _ in range(draw.randrange(4)))
            return start + pack("!I", len(inner)) + inner
        if kind == "F":
            return start + table(
                (self._name(), self._value(deep - 1)) for _ in range(draw.randrange(4))
            )
        return start

    def _nested(self, depth: int) -> bytes:
        value = b"V"
        for _ in range(depth):
            value = b"F" + table([(b"a", value)])
        return value


@dataclass
class Target:
    """Have an app do all that can be done to messages, and note which came to their end.

    queues: the name of each feature's; what is rejected anywhere goes to `dead`. good: the numbers
    of those that were published and are no poison.
    """

    app: App
    connection: AMQPConnection
    url: str
    queues: dict[str, str]
    good: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        retry = Retry(attempts=2, delay=0.1, factor=1, then=Actions.REJECT)
        bulk = {Options.BULK_SIZE: 20, Options.BULK_FLUSH_INTERVAL: 0.1}
        options = {
            "bulk": bulk,
            "retry": {**bulk, Events.ON_EXCEPTION: retry},
            "again": {Events.ON_EXCEPTION: retry},
            "sink": bulk,
        }
        for feature, queue in self.queues.items():
            handler = getattr(self, f"_{feature}", self._plain)
            # Strangers write JSON, whatever they call it.
            given = {Options.CODEC: codecs.JSON, **options.get(feature, {})}
            self.app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)

    async def publish(self, seed: int, numbers: range) -> None:
        """Publish hostile messages to all features in turn."""
        stranger = Stranger(seed)
        # On a connection of its own, as strangers have: the broker slows down who publishes much.
        outside = AMQPConnection(url=self.url)
        publisher = outside.publisher("/")
        targets = [self.queues[name] for name in FEATURES[:-2]]
        for first in range(numbers.start, numbers.stop, AT_ONCE):
            batch = []
            for number in range(first, min(first + AT_ONCE, numbers.stop)):
                body, header = stranger.body(number), stranger.properties()
                if body is not None and not is_encoded(header):
                    self.good.add(number)
                queue = targets[number % len(targets)]
                batch.append(message(queue, header, stranger.poison() if body is None else body))
            await asyncio.gather(*(publisher.publish(one, 60.0) for one in batch))
        await outside.close()

    async def handled(self) -> None:
        """Wait until each of the good ones came to its end."""
        await until(lambda: self.done >= self.good, "all handled to their end", LIMIT)

    async def _plain(self, messages: list[RabbitMQMessage]) -> None:
        for one in messages:
            read_all(one)
            self.done.add(one.body["n"])

    async def _retry(self, messages: list[RabbitMQMessage]) -> None:
        if self._first(messages):
            raise OnPurpose
        await self._plain(messages)

    async def _again(self, messages: list[RabbitMQMessage]) -> None:
        if self._first(messages):
            messages[0].retry()
        else:
            await self._plain(messages)

    async def _back(self, messages: list[RabbitMQMessage]) -> None:
        if self._first(messages):
            messages[0].reject()
        else:
            await self._plain(messages)

    async def _reject(self, messages: list[RabbitMQMessage]) -> None:
        messages[0].reject(requeue=False)

    async def _forward(self, messages: list[RabbitMQMessage]) -> None:
        (one,) = messages
        try:
            await self.connection.put(one.body, self.queues["sink"], headers=one.headers)
        except NotSerializable:
            await self.connection.put(one.raw_body, self.queues["sink"])

    def _first(self, messages: list[RabbitMQMessage]) -> bool:
        """Tell whether some are here for the first time."""
        numbers = {one.body["n"] for one in messages}
        new = numbers - self.seen
        self.seen |= numbers
        return bool(new)


def message(queue: str, header: bytes, body: bytes) -> Outgoing:
    name = queue.encode()
    return Outgoing(body, "", queue, bytes((0, len(name))) + name, header, mandatory=True)


def is_encoded(header: bytes) -> bool:
    """Tell whether properties name a content encoding: it is one that nobody knows."""
    return split_properties(header).get(CONTENT_ENCODING, NO_TEXT) != NO_TEXT


def read_all(one: RabbitMQMessage) -> list[str]:
    """Read all that a message offers."""
    names = ("attempt", "exchange", "routing_key", "headers", "message_id", "content_type")
    return [repr(getattr(one, name)) for name in (*names, "delivery_count", "redelivered")]


def mistakes(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return what a log tells of that is no handler's and no stranger's."""
    return [
        record.getMessage()
        for record in records
        if (record.exc_info and not isinstance(record.exc_info[1], OnPurpose))
        or "settled" in record.getMessage()
        or "not consumed" in record.getMessage()
        or "goes back at once" in record.getMessage()
    ]
