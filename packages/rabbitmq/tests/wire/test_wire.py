"""The frames of a connection: content of open channels is taken out, whole and once; nothing else.

pamqp writes the frames, so that it is the judge of what they hold.
"""

import asyncio
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise

import pytest
from aiormq.exceptions import InvalidFrameError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from asyncworker import codecs
from asyncworker.rabbitmq.amqp.frames import ACK, DELIVER, HEARTBEAT, NACK, RETURN
from asyncworker.rabbitmq.consuming.deliveries import read
from asyncworker.rabbitmq.decoding import Decoder
from asyncworker.rabbitmq.wire.content_reader import Malformed
from asyncworker.rabbitmq.wire.wire import Wire

Basic = commands.Basic
FRAME_MAX = 64
OPEN = (1, 2)
"""The channels whose content is taken; channel 3 is the library's."""


@dataclass
class Bench:
    """A wire with what it handed over and what it left to the library."""

    loop: asyncio.AbstractEventLoop
    time: float = 0.0
    batches: dict[int, list] = field(default_factory=lambda: {number: [] for number in OPEN})

    def __post_init__(self):
        self.wire = Wire(self.loop)
        self.wire._clock = lambda: self.time
        self.wire.limit(FRAME_MAX)
        self.readers = {
            number: self.wire.open(number, self.batches[number].append) for number in OPEN
        }

    def feed(self, data, cuts=()):
        edges = [0, *sorted(cuts), len(data)]
        for start, end in pairwise(edges):
            self.wire.feed_data(data[start:end])

    def taken(self, number):
        return [content for batch in self.batches[number] for content in batch]

    def left(self):
        self.wire.feed_eof()
        return self.loop.run_until_complete(self.wire.read())


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def bench(loop):
    return Bench(loop)


@dataclass(frozen=True)
class Item:
    """What a broker sends on one channel: frames that belong together, and what is taken of it."""

    frames: tuple
    content: tuple | None = None

    def encoded(self, number):
        return [frame.marshal(one, number) for one in self.frames]


def content_of(code, method, properties, body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    frames = (
        method,
        ContentHeader(body_size=len(body), properties=properties),
        *map(ContentBody, parts),
    )
    content = (code, method.marshal(), properties.marshal(), body)
    return Item(frames, content if code else None)


names = st.text("ab.-", max_size=3)
numbers = st.integers(1, 2**63 - 1)
properties = st.builds(
    Basic.Properties,
    content_type=st.none() | st.just("text/x"),
    message_id=st.none() | names,
    priority=st.none() | st.integers(0, 9),
    headers=st.none() | st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2),
)
bodies = st.binary(max_size=3 * FRAME_MAX) | st.just(b"") | st.just(b"\xce" * (FRAME_MAX - 8))
sizes = st.integers(1, FRAME_MAX - 8)
deliveries = st.builds(
    content_of,
    st.just(DELIVER),
    st.builds(
        Basic.Deliver,
        consumer_tag=names,
        delivery_tag=numbers,
        redelivered=st.booleans(),
        exchange=names,
        routing_key=names,
    ),
    properties,
    bodies,
    sizes,
)
returns = st.builds(
    content_of,
    st.just(RETURN),
    st.builds(
        Basic.Return,
        reply_code=st.just(312),
        reply_text=st.just("NO_ROUTE"),
        exchange=names,
        routing_key=names,
    ),
    properties,
    bodies,
    sizes,
)
got = st.builds(
    content_of,
    st.just(0),
    st.builds(
        Basic.GetOk,
        delivery_tag=numbers,
        redelivered=st.booleans(),
        exchange=names,
        routing_key=names,
        message_count=st.just(0),
    ),
    properties,
    bodies,
    sizes,
)


def confirm_of(code, method):
    return Item((method,), (code, method.marshal(), b"", b""))


acks = st.builds(Basic.Ack, delivery_tag=numbers, multiple=st.booleans())
nacks = st.builds(Basic.Nack, delivery_tag=numbers, multiple=st.booleans(), requeue=st.booleans())
confirms = st.builds(confirm_of, st.just(ACK), acks) | st.builds(confirm_of, st.just(NACK), nacks)
others = st.sampled_from(
    [
        Item((Basic.QosOk(),)),
        Item((Basic.ConsumeOk(consumer_tag="q"),)),
        Item((Basic.Cancel(consumer_tag="q"),)),
        Item((Basic.GetEmpty(),)),
        Item((commands.Queue.DeclareOk(queue="q", message_count=1, consumer_count=2),)),
    ]
)


@st.composite
def rows(draw):
    """Deliveries that are alike, but for their numbers and bodies, as one publisher makes them."""
    names = {"consumer_tag": "q", "exchange": "", "routing_key": "q"}
    common = draw(properties)
    return [
        content_of(
            DELIVER,
            Basic.Deliver(delivery_tag=draw(numbers), redelivered=draw(st.booleans()), **names),
            common,
            draw(bodies),
            FRAME_MAX - 8,
        )
        for _ in range(draw(st.integers(2, 5)))
    ]


singles = deliveries | returns | got | confirms | others
items = st.lists(singles.map(lambda item: [item]) | rows(), max_size=8).map(
    lambda lists: list(chain.from_iterable(lists))
)


@st.composite
def traffic(draw):
    """Frames of three channels, interleaved, heartbeats between them; and where reads end."""
    sent = {number: draw(items) for number in (*OPEN, 3)}
    queues = {
        number: [
            (data, number in OPEN and item.content is not None)
            for item in listed
            for data in item.encoded(number)
        ]
        for number, listed in sent.items()
    }
    queues[0] = [(frame.marshal(Heartbeat(), 0), False)] * draw(st.integers(0, 2))
    stream, left = b"", b""
    while waiting := [number for number, queue in queues.items() if queue]:
        data, is_taken = queues[draw(st.sampled_from(waiting))].pop(0)
        stream += data
        left += b"" if is_taken else data
    cuts = draw(st.lists(st.integers(0, len(stream)), max_size=20))
    return sent, stream, left, cuts


@settings(deadline=None)
@given(traffic())
def test_takes_content_out_of_any_interleaving_and_leaves_every_other_byte(loop, case):
    sent, stream, left, cuts = case
    bench = Bench(loop)
    bench.feed(stream, cuts)
    for number in OPEN:
        expected = [item.content for item in sent[number] if item.content is not None]
        assert bench.taken(number) == expected
        assert len(bench.batches[number]) <= len(cuts) + 1
    assert bench.left() == left


@settings(max_examples=30, deadline=None)
@given(traffic())
def test_takes_the_same_byte_by_byte(loop, case):
    sent, stream, left, _ = case
    bench = Bench(loop)
    bench.feed(stream, range(1, len(stream)))
    for number in OPEN:
        expected = [item.content for item in sent[number] if item.content is not None]
        assert bench.taken(number) == expected
    assert bench.left() == left


@settings(deadline=None)
@given(traffic(), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4))
def test_damaged_bytes_end_the_connection_or_nothing_but_never_raise(loop, case, damage):
    _, stream, _, cuts = case
    damaged = bytearray(stream)
    for at, value in damage:
        if damaged:
            damaged[at % len(damaged)] = value
    bench = Bench(loop)
    bench.feed(bytes(damaged), cuts)
    assert isinstance(bench.wire.exception(), InvalidFrameError | None)
    for number in OPEN:
        for content in bench.taken(number):
            if content[0] == DELIVER:
                read_or_refuse(content)


def read_or_refuse(content):
    with suppress(Malformed):
        read([content], {b"": "q"}, None, Decoder(codecs.JSON), lambda *_: None)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"HTTP/1.1 400 Bad Request\r\n\r\n")
@example(b"AMQP\x00\x00\x09\x01")
def test_whatever_is_no_amqp_never_raises(loop, data):
    bench = Bench(loop)
    bench.feed(data)
    assert isinstance(bench.wire.exception(), InvalidFrameError | None)


def test_what_is_no_amqp_is_named(bench):
    bench.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "it begins with b'HTTP/1.1'" in str(bench.wire.exception())


def delivery(body=b"1", size=50):
    method = Basic.Deliver(consumer_tag="q", delivery_tag=1, exchange="", routing_key="q")
    return content_of(DELIVER, method, Basic.Properties(), body, size).encoded(1)


METHOD_FRAME, HEADER_FRAME, BODY_FRAME = delivery()


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (METHOD_FRAME[:-1] + b"\x00", "a frame of channel 1 does not end where it says"),
        (METHOD_FRAME + HEADER_FRAME[:-1] + b"\x00", "does not end where it says"),
        (METHOD_FRAME + HEADER_FRAME + BODY_FRAME[:-1] + b"\x00", "does not end where it says"),
        (METHOD_FRAME + HEADER_FRAME + frame.marshal(ContentBody(b"12"), 1), "a body is longer"),
        (METHOD_FRAME + BODY_FRAME, "a body is longer than its header says, or comes before it"),
        (BODY_FRAME, "channel 1: a header or a body belongs to no message"),
        (HEADER_FRAME, "belongs to no message"),
        (METHOD_FRAME + METHOD_FRAME, "a method stands amid the frames of a message"),
        (METHOD_FRAME + HEADER_FRAME + HEADER_FRAME, "a second header"),
        (METHOD_FRAME + b"\x02\x00\x01\x00\x00\x00\x02\x00\x3c\xce", "too short"),
        (METHOD_FRAME + HEADER_FRAME.replace(b"\x00\x3c", b"\x00\x3d"), "of another class"),
        (frame.marshal(ContentBody(bytes(57)), 3), "a frame of channel 3 has 57 bytes, 56 at most"),
        (b"".join(delivery(bytes(57), 57)), "a frame of channel 1 has 57 bytes, 56 at most"),
        (b"\x01\x00\x01\x00\x00\x00\x04\x00\x3c\x00\x50\xce", "a confirm has another size"),
    ],
)
@pytest.mark.parametrize("is_split", [False, True])
def test_a_malformed_frame_ends_the_connection_and_says_why(bench, stream, reason, is_split):
    good = b"".join(delivery())
    bench.feed(stream + good, range(1, len(stream + good)) if is_split else ())

    error = bench.wire.exception()
    assert isinstance(error, InvalidFrameError)
    assert str(error).startswith("the broker sent no valid AMQP: ")
    assert reason in str(error)
    assert bench.taken(1) == []


@pytest.mark.parametrize("is_split", [False, True])
def test_takes_headers_that_the_broker_made_larger_than_a_frame(bench, is_split):
    large = Basic.Properties(headers={"x": "a" * FRAME_MAX, "x-delivery-count": 1})
    header = frame.marshal(ContentHeader(body_size=1, properties=large), 1)
    stream = METHOD_FRAME + header + BODY_FRAME
    bench.feed(stream, range(1, len(stream)) if is_split else ())
    assert bench.wire.exception() is None
    ((_, _, properties, body),) = bench.taken(1)
    assert properties == large.marshal()
    assert body == BODY_FRAME[7:-1]


def test_hands_over_all_of_a_read_at_once(bench):
    bench.feed(b"".join(delivery()) * 5)
    assert [len(batch) for batch in bench.batches[1]] == [5]


def test_a_large_body_costs_no_more_than_a_few_times_its_size(loop):
    size, step = 100_000_000, 262_144
    bench = Bench(loop)
    bench.wire.limit(131_072)
    stream = b"".join(delivery(bytes(size), 131_064))
    tracemalloc.start()
    for at in range(0, len(stream), step):
        bench.wire.feed_data(stream[at : at + step])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (content,) = bench.taken(1)
    assert len(content[3]) == size
    assert peak < 2.2 * size


def test_many_small_reads_of_a_large_frame_cost_no_more_than_their_bytes(loop):
    """Byte by byte, and joined at each read, it would be copied 45 GB in all."""
    bench = Bench(loop)
    bench.wire.limit(0)
    body = bytes(300_000)
    bench.feed(b"".join(delivery(body, len(body))), range(1, len(body)))
    assert bench.taken(1)[0][3] == body


def test_shows_the_library_a_sign_of_life_once_a_second_while_only_deliveries_come(bench):
    for tenth in range(1, 31):
        bench.time = tenth / 10 + 100
        bench.feed(b"".join(delivery()))
    assert bench.left() == HEARTBEAT * 3


def test_shows_no_sign_of_life_when_the_library_sees_some_itself(bench):
    for tenth in range(30):
        bench.time = tenth / 10 + 100
        bench.feed(frame.marshal(Basic.QosOk(), 3) + b"".join(delivery()))
    assert HEARTBEAT not in bench.left()


def test_shows_no_sign_of_life_amid_the_handshake(loop):
    wire = Wire(loop)
    wire._clock = lambda: 100.0
    wire.feed_data(frame.marshal(commands.Connection.OpenOk(), 0)[:5])
    wire.feed_eof()
    assert loop.run_until_complete(wire.read()) == b""


@pytest.mark.parametrize(
    "method",
    [commands.Channel.Close(404, "gone", 0, 0), commands.Channel.CloseOk()],
    ids=["Close", "CloseOk"],
)
def test_a_channel_that_the_broker_closes_is_not_open_from_that_frame_on(bench, method):
    closing = frame.marshal(method, 1)
    bench.feed(b"".join(delivery()) + closing)
    assert not bench.readers[1].is_open
    assert bench.readers[2].is_open
    assert len(bench.taken(1)) == 1
    assert bench.left() == closing


@pytest.mark.parametrize(
    "method",
    [commands.Channel.Close(200, "", 0, 0), commands.Channel.CloseOk()],
    ids=["Close", "CloseOk"],
)
def test_a_channel_that_the_library_closes_is_not_open_from_that_frame_on(bench, method):
    bench.wire.sent(frame.marshal(method, 1))
    assert not bench.readers[1].is_open
    assert bench.readers[2].is_open


@pytest.mark.parametrize(
    "method",
    [commands.Connection.Close(200, "", 0, 0), commands.Connection.CloseOk()],
    ids=["Close", "CloseOk"],
)
def test_nothing_is_written_after_the_end_of_the_connection(bench, method):
    bench.wire.sent(frame.marshal(Heartbeat(), 0))
    assert not bench.wire.is_closing
    bench.wire.sent(frame.marshal(method, 0))
    assert bench.wire.is_closing
