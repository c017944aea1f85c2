import json

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.events import CHUNK, event_server, event_stream
from benchmarks.messages import USUAL, body

EVENT = b"".join(event_stream(1, CHUNK))


@given(count=st.integers(0, 50), chunk=st.integers(1, 1000))
def test_the_pieces_are_so_many_whole_events(count, chunk):
    pieces = list(event_stream(count, chunk))
    assert b"".join(pieces) == EVENT * count
    assert all(len(piece) == chunk for piece in pieces[:-1])


def test_an_event_has_the_json_that_messages_have():
    (data,) = [line for line in EVENT.splitlines() if line.startswith(b"data: ")]
    assert json.loads(data.removeprefix(b"data: ")) == body(USUAL)


@pytest.mark.parametrize("path", ["/3", "/3/"])
async def test_serves_so_many_events_and_keeps_the_stream_open(path):
    with event_server() as url:
        async with aiohttp.ClientSession() as client, client.get(url + path) as response:
            assert response.content_type == "text/event-stream"
            assert await response.content.readexactly(len(EVENT) * 3) == EVENT * 3
            assert not response.content.at_eof()
