"""What event streams bring, in a document of AsyncAPI."""

from dataclasses import dataclass

from asyncworker import App
from asyncworker.connections import SSEConnection
from asyncworker.describing.documents import document


@dataclass
class Event:
    id: int


def test_a_stream_is_a_channel():
    app = App(connections=[SSEConnection("https://me:s3cret@events.example/v1/")])

    @app.route(["/orders?token=s3cret", "refunds"])
    async def follow(event: Event):
        """Follow the orders."""

    found = document(app)
    assert found["servers"] == {
        "sse": {"host": "events.example", "protocol": "https", "pathname": "/v1"}
    }
    assert [one["address"] for one in found["channels"].values()] == ["/orders", "refunds"]
    [message] = found["channels"]["refunds"]["messages"].values()
    assert message == {
        "name": "Event",
        "contentType": "application/json",
        "payload": {"$ref": "#/components/schemas/Event"},
    }
    operation = found["operations"]["follow.refunds"]
    assert operation["summary"] == "Follow the orders."
    assert operation["bindings"] == {"http": {"method": "GET", "bindingVersion": "0.3.0"}}
    assert "s3cret" not in str(found)


def test_servers_are_told_apart():
    first, second = SSEConnection("http://[::1]:8000"), SSEConnection("http://events.example:80")
    app = App(connections=[first, second])

    async def follow(events): ...

    for one in (first, second):
        app.route(["events"], connection=one)(follow)
    assert document(app)["servers"] == {
        "sse": {"host": "[::1]:8000", "protocol": "http"},
        "sse-2": {"host": "events.example", "protocol": "http"},
    }
    [message] = document(app)["channels"]["events"]["messages"].values()
    assert message == {"name": "Message", "payload": {}}
