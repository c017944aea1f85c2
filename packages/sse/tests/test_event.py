"""What a handler is given."""

import pytest

from asyncworker import sse
from asyncworker.errors import AsyncWorkerError
from asyncworker.sse import NotJSON, SSEEvent


def test_the_body_is_the_json_of_the_data():
    event = SSEEvent("deployment_info", '{"plan": {"id": "é"}}', "1", "/v2/events")
    assert {"plan": {"id": "é"}} == event.body


def test_the_body_is_decoded_once():
    event = SSEEvent("message", "[]")
    assert event.body is event.body


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("null", None),
        ("1", 1),
        ('"\\u00e9"', "é"),
        (' "\\ud800" ', "\ud800"),
        ("[" * 300 + "]" * 300, None),
    ],
)
def test_takes_whatever_json_there_is(data, expected):
    body = SSEEvent("message", data).body
    assert expected is None or expected == body


@pytest.mark.parametrize("data", ["", "{", "nope", "{'a': 1}", "[" * 100_000, "1 2"])
def test_a_body_that_is_no_json_is_an_error_that_names_the_event(data):
    event = SSEEvent("deployment_info", data, "17", "/v2/events?token=secret")
    for _ in range(2):
        with pytest.raises(NotJSON) as caught:
            _ = event.body
    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AsyncWorkerError)
    assert "event 'deployment_info' (id '17', route '/v2/events?...')" in message
    assert "secret" not in message
    assert "\n" not in message
    assert data == event.data


def test_an_event_shows_what_it_holds():
    assert repr(SSEEvent("a", "b", "c", "/d")) == "SSEEvent(name='a', data='b', id='c', route='/d')"


def test_the_public_names_are_these():
    assert ["NotJSON", "SSEConnection", "SSEEvent", "SSEOptions", "__version__"] == sse.__all__
    assert all(hasattr(sse, name) for name in sse.__all__)
