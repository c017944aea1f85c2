"""Spans of events."""

import pytest
from opentelemetry.trace import SpanKind

from asyncworker import Options, RouteTypes
from packages.sse.tests.test_consuming import numbered


@pytest.fixture
def app(app, spans):
    app.trace(spans.provider)
    return app


async def test_begins_a_trace_with_each_event(app, server, inbox, spans):
    app.route(["/events?token=hunter2"], type=RouteTypes.SSE)(inbox)
    async with app.started():
        await (await server.stream()).send(numbered(1, 2))
        first, second = await spans.wait("process /events?...", 2)

    assert (SpanKind.CONSUMER, None) == (first.kind, first.parent)
    assert first.context.trace_id != second.context.trace_id
    assert dict(first.attributes) == {
        "messaging.system": "sse",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "/events?...",
        "messaging.message.id": "1",
    }


async def test_is_one_for_a_batch_of_several_streams(app, server, inbox, spans):
    bulk = {Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 60}
    app.route(["/a", "/b"], type=RouteTypes.SSE, options=bulk)(inbox)
    async with app.started():
        for _ in range(2):
            await (await server.stream()).send(numbered(1))
        [span] = await spans.wait("process")

    assert 2 == span.attributes["messaging.batch.message_count"]
    assert "messaging.destination.name" not in span.attributes
