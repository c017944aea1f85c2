"""Spans of messages: what is handled, and what is published."""

import asyncio
import inspect

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from asyncworker import App, Events, Options, RouteTypes
from asyncworker.rabbitmq import Message, Retry, Unroutable
from asyncworker.rabbitmq.operations import carried
from asyncworker.rabbitmq.publishing.header import header_of

pytestmark = pytest.mark.usefixtures("path")

AMQP = RouteTypes.AMQP_RABBITMQ
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
async def target(declare):
    return await declare()


@pytest.fixture
def app(app, spans):
    app.trace(spans.provider)
    return app


@pytest.fixture
def arrived(admin, limit):
    """Return the next message that arrives in a queue, taken from outside."""
    arriving = {}

    async def arrived(name):
        if name not in arriving:
            arriving[name] = asyncio.Queue()
            await (await admin.get_queue(name)).consume(arriving[name].put, no_ack=True)
        async with asyncio.timeout(limit):
            return await arriving[name].get()

    return arrived


def carried_by(message):
    """Return the trace and the span that a message carries, as numbers."""
    _, trace, span, _ = message.headers["traceparent"].split("-")
    return int(trace, 16), int(span, 16)


def own(span):
    return span.context.trace_id, span.context.span_id


async def test_goes_on_where_its_message_was_published(app, queue, publish, spans, inbox):
    app.route([queue], type=AMQP)(inbox)
    properties = {"message_id": "7", "correlation_id": "c", "headers": {"traceparent": TRACEPARENT}}
    async with app.started():
        await publish(queue, b"1", **properties)
        [span] = await spans.wait(f"process {queue}")

    assert SpanKind.CONSUMER == span.kind
    assert (int(TRACE, 16), int(SPAN, 16)) == (span.context.trace_id, span.parent.span_id)
    told = dict(span.attributes)
    told.pop("server.address", None)
    told.pop("server.port", None)
    assert told == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.rabbitmq.destination.routing_key": queue,
        "messaging.rabbitmq.message.delivery_tag": 1,
        "messaging.message.id": "7",
        "messaging.message.conversation_id": "c",
        "asyncworker.attempt": 1,
    }


async def test_names_exchange_key_and_queue(app, queue, admin, spans, inbox):
    await (await admin.get_queue(queue)).bind("amq.topic", f"{queue}.*")
    app.route([queue], type=AMQP)(inbox)
    async with app.started():
        await app.connections.all[0].put(1, f"{queue}.new", "amq.topic")
        [span] = await spans.wait(f"process {queue}")
        [sent] = await spans.wait("send amq.topic")

    name = "messaging.destination.name"
    assert f"amq.topic:{queue}.new:{queue}" == span.attributes[name]
    assert f"amq.topic:{queue}.new" == sent.attributes[name]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "00-junk"},
        {"traceparent": 7},
        {"traceparent": [TRACEPARENT]},
        {"traceparent": TRACEPARENT + "-" + "x" * 10_000},
    ],
    ids=["none", "junk", "number", "list", "long"],
)
async def test_begins_a_trace_where_a_message_carries_none(
    app, queue, publish, spans, inbox, headers
):
    app.route([queue], type=AMQP)(inbox)
    async with app.started():
        await publish(queue, b"1", headers=headers)
        [span] = await spans.wait(f"process {queue}")
    assert span.parent is None


async def test_is_one_for_a_batch_with_a_link_to_each_context(app, queue, publish, spans, inbox):
    bulk = {Options.BULK_SIZE: 4, Options.BULK_FLUSH_INTERVAL: 60}
    app.route([queue], type=AMQP, options=bulk)(inbox)
    other = f"00-{TRACE}-{'ab' * 8}-01"
    async with app.started():
        for header in (TRACEPARENT, other, TRACEPARENT):
            await publish(queue, b"1", headers={"traceparent": header})
        await publish(queue, b"1")
        [span] = await spans.wait(f"process {queue}")

    assert span.parent is None
    assert [int(SPAN, 16), int("ab" * 8, 16)] == [one.context.span_id for one in span.links]
    assert 4 == span.attributes["messaging.batch.message_count"]
    assert queue == span.attributes["messaging.destination.name"]


async def test_has_no_more_links_than_128(app, connection, queue, spans, inbox):
    bulk = {Options.BULK_SIZE: 130, Options.BULK_FLUSH_INTERVAL: 60}
    app.route([queue], type=AMQP, options=bulk)(inbox)
    async with app.started():
        await asyncio.gather(*(connection.put(number, queue) for number in range(130)))
        [span] = await spans.wait(f"process {queue}")
    assert 128 == len(span.links)
    assert 0 == span.dropped_links


async def test_hands_the_context_of_a_handler_on_with_what_it_publishes(
    app, connection, queue, target, publish, spans, arrived
):
    @app.route([queue], type=AMQP)
    async def forward(messages):
        token = attach(baggage.set_baggage("tenant", "7"))
        await connection.put(messages[0].body, target, headers={"mine": 1})
        detach(token)

    async with app.started():
        await publish(queue, b"1")
        [handled] = await spans.wait(f"process {queue}")
        [sent] = await spans.wait(f"send {target}")
        message = await arrived(target)

    assert SpanKind.PRODUCER == sent.kind
    assert own(handled) == (sent.context.trace_id, sent.parent.span_id)
    assert own(sent) == carried_by(message)
    assert ("tenant=7", 1) == (message.headers["baggage"], message.headers["mine"])
    assert message.message_id == sent.attributes["messaging.message.id"]
    assert "send" == sent.attributes["messaging.operation.type"]


async def test_gives_a_handler_the_baggage_of_its_message(app, queue, publish, inbox):
    @app.route([queue], type=AMQP)
    async def handler(messages):
        await inbox([baggage.get_baggage("tenant")])

    async with app.started():
        await publish(queue, b"1", headers={"baggage": "tenant=7"})
        assert ["7"] == await inbox.batch()


async def test_leaves_a_context_that_its_publisher_gave(app, connection, target, spans, arrived):
    async with app.started():
        await connection.put(1, target, headers={"traceparent": TRACEPARENT})
        [sent] = await spans.wait(f"send {target}")
        message = await arrived(target)

    assert TRACEPARENT == message.headers["traceparent"]
    assert [int(SPAN, 16)] == [one.context.span_id for one in sent.links]


async def test_is_one_for_messages_that_are_published_together(
    app, connection, queue, target, spans, arrived
):
    async with app.started():
        await connection.put_many([Message(1, queue), Message(2, target)])
        [sent] = await spans.wait("send")
        carried = [carried_by(await arrived(name)) for name in (queue, target)]

    assert [own(sent)] * 2 == carried
    assert 2 == sent.attributes["messaging.batch.message_count"]


async def test_goes_on_in_what_leaves_with_a_message(app, queue, target, publish, spans, arrived):
    @app.route([queue], type=AMQP, publish_to=target)
    async def forward(messages):
        messages[0].put("held", target)
        return "returned"

    async with app.started():
        await publish(queue, b"1")
        [handled] = await spans.wait(f"process {queue}")
        [sent] = await spans.wait(f"send {target}")
        carried = [carried_by(await arrived(target)) for _ in range(2)]

    assert own(handled) == (sent.context.trace_id, sent.parent.span_id)
    assert [own(sent)] * 2 == carried
    assert 2 == sent.attributes["messaging.batch.message_count"]


async def test_tells_apart_what_leaves_with_different_messages(
    app, queue, target, publish, spans, arrived
):
    @app.route([queue], type=AMQP, publish_to=target)
    async def forward(messages):
        return messages[0].body

    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        handled = await spans.wait(f"process {queue}", 3)
        sent = await spans.wait(f"send {target}", 3)

    assert {own(one) for one in handled} == {
        (one.context.trace_id, one.parent.span_id) for one in sent
    }


async def test_goes_from_a_question_to_its_answer(app, connection, queue, spans):
    @app.route([queue], type=AMQP, replies=True)
    async def answer(messages):
        return 2

    async with app.started():
        await connection.ask(1, queue)
        [asked] = await spans.wait(f"send {queue}")
        [handled] = await spans.wait(f"process {queue}")
        [answered] = await spans.wait("send")

    assert own(asked) == (handled.context.trace_id, handled.parent.span_id)
    assert own(handled) == (answered.context.trace_id, answered.parent.span_id)
    # The rest of that address lets anybody answer.
    assert "amq.rabbitmq.reply-to" == answered.attributes["messaging.destination.name"]


async def test_goes_with_a_message_that_is_delayed(app, connection, queue, spans, inbox):
    app.route([queue], type=AMQP)(inbox)
    async with app.started():
        await connection.put(1, queue, delay=0.25)
        [sent] = await spans.wait(f"send {queue}")
        [handled] = await spans.wait(f"process {queue}")
    assert own(sent) == (handled.context.trace_id, handled.parent.span_id)


async def test_is_another_one_for_an_attempt_in_place(app, queue, publish, spans):
    @app.route([queue], type=AMQP, options={Events.ON_EXCEPTION: Retry(attempts=2, now=1)})
    async def handler(messages):
        if messages[0].attempt == 1:
            raise ValueError("busy")

    async with app.started():
        await publish(queue, b"1", headers={"traceparent": TRACEPARENT})
        first, second = await spans.wait(f"process {queue}", 2)

    assert [int(SPAN, 16)] * 2 == [first.parent.span_id, second.parent.span_id]
    assert (1, 2) == tuple(one.attributes["asyncworker.attempt"] for one in (first, second))
    codes = StatusCode.ERROR, StatusCode.UNSET
    assert codes == (first.status.status_code, second.status.status_code)


async def test_tells_what_was_not_published(app, connection, spans):
    async with app.started():
        with pytest.raises(Unroutable):
            await connection.put(1, "nowhere")
        with pytest.raises(ExceptionGroup):
            await connection.put_many([Message(1, "nowhere")] * 2)

    assert 2 == len(spans.all)
    for span in spans.all:
        assert "send nowhere" == span.name
        assert StatusCode.ERROR == span.status.status_code
        assert "asyncworker.rabbitmq.errors.Unroutable" == span.attributes["error.type"]


async def test_passes_contexts_on_when_the_sdk_is_disabled(
    app, connection, queue, target, publish, arrived, monkeypatch
):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    app.trace(TracerProvider(shutdown_on_exit=False))

    @app.route([queue], type=AMQP)
    async def forward(messages):
        await connection.put(1, target)

    async with app.started():
        await publish(queue, b"1", headers={"traceparent": TRACEPARENT})
        message = await arrived(target)
    assert TRACEPARENT == message.headers["traceparent"]


async def test_is_made_where_it_is_asked_for_and_nowhere_else(
    connection, queue, publish, inbox, arrived, target
):
    app = App(connections=[connection])

    @app.route([queue], type=AMQP)
    async def handler(messages):
        await connection.put(1, target)
        await inbox([inspect.currentframe().f_back.f_code.co_qualname])

    async with app.started():
        await publish(queue, b"1")
        assert ["Dispatcher._handle"] == await inbox.batch()
        message = await arrived(target)
    assert {} == message.headers


def test_reads_nothing_out_of_properties_that_are_cut_off():
    properties = header_of({"traceparent": TRACEPARENT, "number": 1}, None, {}, "text/plain")
    for end in range(len(properties)):
        carried(properties[:end])
    assert {"traceparent": TRACEPARENT} == carried(properties)
