"""How long a server asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from asyncworker.sse.retry_after import MAX_RETRY_AFTER, seconds_to_wait


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("²", 0.0),
        ("soon", 0.0),
        ("Wed, 99 Foo 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9015 07:28:00 GMT", MAX_RETRY_AFTER),
    ],
)
def test_takes_whole_seconds_within_reason(value, expected):
    assert expected == seconds_to_wait(value)


@pytest.mark.parametrize(
    "form",
    [
        lambda at: format_datetime(at, usegmt=True),
        lambda at: f"{at:%A, %d-%b-%y %H:%M:%S GMT}",
        lambda at: f"{at:%a %b %d %H:%M:%S %Y}",
    ],
)
def test_takes_the_three_forms_of_dates_of_http(form):
    at = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 < seconds_to_wait(form(at)) <= 100
