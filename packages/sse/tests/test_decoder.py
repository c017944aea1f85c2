"""Bytes to events: WHATWG HTML, 9.2.5 and 9.2.6."""

import re
import time
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncworker.sse.decoder import MAX_EVENT_SIZE, Decoder
from asyncworker.sse.errors import EventTooLarge

PIECES = [
    b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\0",
    b"data: {}\n", b"data:x\n\n", b"id: 7\n", b"retry: 12\n", b"retry: 1x\n", b"event: e\n", b"5",
    b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xbf", b"\xe2\x82", b"\xac", b"\xff", b"\xc3\xa9",
    b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c", b"\xd9\xa3", b"\xed\xa0\x80",
]  # fmt: skip
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join)
cuts = st.lists(st.integers(0, 200), max_size=20)


def chunks_of(stream, places):
    places = [0, *sorted(place for place in places if place <= len(stream)), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


def field_of(line):
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def reference(stream):
    """Return events (name, data, id), last event id and retry, after the standard's own words."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    events, data, event_type, id_buffer, last_event_id, retry = [], "", "", "", "", None
    for line in re.split("\r\n|\n|\r", text)[:-1]:
        name, value = field_of(line)
        if line == "":
            last_event_id = id_buffer
            if data != "":
                event = (event_type or "message", data.removesuffix("\n"), last_event_id)
                events.append(event)
            data = event_type = ""
        elif name == "event":
            event_type = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            id_buffer = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return events, last_event_id, retry


def decode(*chunks, decoder=None):
    """Return what the reference returns."""
    decoder = decoder or Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    found = [(event.name, event.data, event.id) for event in events]
    return found, decoder.last_event_id, decoder.retry


def events_of(*chunks):
    return decode(*chunks)[0]


def decode_until_too_large(chunks, max_size):
    """Return the events up to the error, and whether it came."""
    decoder, events = Decoder(max_size=max_size), []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
    except EventTooLarge as error:
        events += error.events
        return [event.data for event in events], True
    return [event.data for event in events], False


@given(streams, cuts)
@example(b"\xef\xbb\xbfdata: 1\r\n\r\ndata: 2\r\r", [1, 2, 3, 12, 13, 14, 15])
@example(b"\xef\xbb", [1])
def test_gives_the_same_events_however_the_bytes_are_cut(stream, places):
    expected = reference(stream)
    assert expected == decode(stream)
    assert expected == decode(*chunks_of(stream, places))
    assert expected == decode(*[stream[at : at + 1] for at in range(len(stream))])


@given(streams, cuts, st.integers(4, 30))
def test_finds_what_is_too_large_at_the_same_place_however_the_bytes_are_cut(
    stream, places, max_size
):
    expected = decode_until_too_large([stream], max_size)
    assert expected == decode_until_too_large(chunks_of(stream, places), max_size)
    assert expected == decode_until_too_large(
        [stream[at : at + 1] for at in range(len(stream))], max_size
    )


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(
            b"data: YHOO\ndata: +2\ndata: 10\n\n",
            [("message", "YHOO\n+2\n10", "")],
            id="stock",
        ),
        pytest.param(
            b": test stream\n\ndata: first event\nid: 1\n\n"
            b"data:second event\nid\n\ndata:  third event\n",
            [("message", "first event", "1"), ("message", "second event", "")],
            id="four blocks",
        ),
        pytest.param(
            b"data\n\ndata\ndata\n\ndata:\n",
            [("message", "", ""), ("message", "\n", "")],
            id="empty data",
        ),
        pytest.param(
            b"data:test\n\ndata: test\n\n",
            [("message", "test", ""), ("message", "test", "")],
            id="one space is optional",
        ),
        pytest.param(
            b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
            [("add", "73857293", ""), ("remove", "2153", "")],
            id="event types",
        ),
        pytest.param(
            b"data: This is the first message.\n\n"
            b"data: This is the second message, it\ndata: has two lines.\n\n",
            [
                ("message", "This is the first message.", ""),
                ("message", "This is the second message, it\nhas two lines.", ""),
            ],
            id="several lines",
        ),
    ],
)
def test_decodes_the_examples_of_the_standard(stream, expected):
    assert expected == events_of(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_takes_lf_cr_and_crlf_and_their_splits_over_reads(end):
    stream = end.join([b"id: 1", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    expected = [("message", "a\nb", "1"), ("message", "c", "1")]
    for at in range(len(stream) + 1):
        assert expected == events_of(stream[:at], stream[at:])


def test_does_not_wait_for_the_lf_after_a_cr():
    assert [("message", "1", "")] == events_of(b"data: 1\r\r")


def test_an_empty_read_after_a_cr_changes_nothing():
    assert [("message", "1\n2", "")] == events_of(b"data: 1\r", b"", b"\ndata: 2\n\n")


def test_strips_one_bom_and_only_at_the_start():
    bom = b"\xef\xbb\xbf"
    assert [("message", "1", "")] == events_of(bom + b"data: 1\n\n")
    assert [("message", "1", "")] == events_of(b"\xef", b"\xbb", b"\xbf", b"data: 1\n\n")
    assert [("message", "2", "")] == events_of(bom + bom + b"data: 1\n\ndata: 2\n\n")
    assert [("message", "2", "")] == events_of(b"data: 2\n" + bom + b"data: 1\n\n")


def test_ignores_comments_and_unknown_fields():
    stream = b":\n: data: 0\ndata: 1\n:x\ndatas: 2\n data: 3\nData: 4\nfoo\n\n"
    assert [("message", "1", "")] == events_of(stream)


def test_only_lf_and_cr_end_lines():
    stream = "data: a\u2028b\x85c\x0bd\x0ce\x1cf\n\n".encode()
    assert [("message", "a\u2028b\x85c\x0bd\x0ce\x1cf", "")] == events_of(stream)


def test_takes_fields_without_colon_and_removes_one_space():
    assert [("message", "\n x", "")] == events_of(b"data\ndata:  x\n\n")
    assert [("message", "a:b: c", "")] == events_of(b"data:a:b: c\n\n")
    assert [("\tx", "1", "")] == events_of(b"event:\tx\ndata: 1\n\n")


def test_the_last_of_several_types_counts_and_an_empty_one_is_message():
    assert [("b", "1", "")] == events_of(b"event: a\nevent: b\ndata: 1\n\n")
    assert [("message", "1", "")] == events_of(b"event: a\nevent\ndata: 1\n\n")


def test_dispatches_nothing_without_data_and_forgets_the_type():
    assert [("message", "1", "")] == events_of(b"event: a\n\ndata: 1\n\n")


def test_an_id_lasts_until_the_next_and_one_with_nul_is_ignored():
    stream = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n"
    assert ["1", "1", "1", ""] == [event[2] for event in events_of(stream)]


def test_an_id_without_data_counts_as_the_last_event_id():
    assert ([], "9", None) == decode(b"id: 9\n\n")


def test_an_id_of_an_unfinished_event_does_not_count():
    assert ([("message", "1", "1")], "1", None) == decode(b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n")


def test_dispatches_nothing_for_an_unfinished_event():
    for stream in (b"data: 1", b"data: 1\n", b"data: 1\ndata: 2\n"):
        assert [] == events_of(stream)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"0", 0),
        (b"007", 7),
        (b"3000", 3000),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1.5", None),
        (b"1e3", None),
        (b" 5", None),
        (b"5 ", None),
        ("٣".encode(), None),
        (b"1_000", None),
    ],
)
def test_takes_a_retry_of_ascii_digits_alone(value, expected):
    assert ([], "", expected) == decode(b"retry: " + value + b"\n")


def test_a_retry_of_any_length_is_a_number():
    *_, retry = decode(b"retry:" + b"9" * 100_000 + b"\n")
    assert retry > 10**12


def test_shows_invalid_utf8_as_replacement_characters():
    assert [("\ufffd", "a\ufffdb", "\ufffd")] == events_of(
        b"event: \xff\nid: \xe2\x82\ndata: a\xf0\x9fb\n\n"
    )


def test_keeps_the_last_event_id_and_retry_over_streams_and_nothing_else():
    decoder = Decoder()
    decode(b"retry: 5\nid: 1\ndata: a\n\nid: 2\nevent: x\ndata: lost\nda", decoder=decoder)
    decoder.restart()
    found = decode(b"\xef\xbb\xbfta: b\n\ndata: c\n\n", decoder=decoder)
    assert ([("message", "c", "1")], "1", 5) == found


def test_events_say_which_route_they_came_by():
    (event,) = Decoder("/v2/events").feed(b"data: 1\n\n")
    assert "/v2/events" == event.route


@pytest.mark.parametrize(
    "too_large",
    [
        b"data: 1234567\n\n",
        b"data:12345678\n\n",
        b"data: 1\ndata: 2\n\n",
        b"data\ndata\ndata\ndata\n\n",
        b": 12345678901\n",
        b"event: 123456\n",
        b"id: 123456789\n",
        b"x" * 13,
    ],
)
def test_a_line_or_event_over_the_limit_is_an_error_that_holds_what_came_before(too_large):
    decoder = Decoder(max_size=12)
    with pytest.raises(EventTooLarge, match="more than 12 bytes") as caught:
        decoder.feed(b"data: ok\n\n" + too_large)
    assert ["ok"] == [event.data for event in caught.value.events]


def test_what_is_as_large_as_the_limit_passes():
    decoder = Decoder(max_size=12)
    stream = b"data: 123456\n\ndata: 1\ndata\n\n" + b": 3456789012\n" * 3 + b"data: 123456\n\n"
    assert 3 == len(decoder.feed(stream))


def test_comments_between_the_lines_of_an_event_do_not_count():
    stream = b"data: 1\n" + b": keep-alive\n" * 100 + b"\n"
    assert 1 == len(Decoder(max_size=20).feed(stream))


def test_the_limit_is_8_mib_unless_given():
    assert 8 * 1024 * 1024 == MAX_EVENT_SIZE
    assert 1 == len(Decoder().feed(b"data: " + b"x" * (MAX_EVENT_SIZE - 6) + b"\n\n"))
    with pytest.raises(EventTooLarge):
        Decoder().feed(b"data: " + b"x" * (MAX_EVENT_SIZE - 5) + b"\n\n")


def test_takes_time_in_proportion_to_the_bytes_and_bounded_memory():
    """Pieces of an endless line: what is quadratic takes minutes here, not a second."""
    decoder = Decoder()
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(EventTooLarge):
        for _ in range(10**6):
            decoder.feed(b"0123456789abcdef" * 2)
    taken = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 20
    assert peak < 3 * MAX_EVENT_SIZE


def test_an_event_of_many_short_lines_takes_no_more_memory_than_one_of_a_long_line():
    decoder = Decoder(max_size=10**6)
    tracemalloc.start()
    with pytest.raises(EventTooLarge):
        for _ in range(10**6):
            decoder.feed(b"data:xy\n" * 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 10**6
