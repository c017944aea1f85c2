import io
import logging

import pytest

from asyncworker.waiting_batch import teller


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "level", "told"),
    [
        (Terminal(), "INFO", logging.INFO),
        (Terminal(), "DEBUG", logging.INFO),
        (io.StringIO(), "DEBUG", logging.DEBUG),
    ],
)
def test_who_looks_is_told_what_waits_and_what_changes_that(
    monkeypatch, caplog, stream, level, told
):
    monkeypatch.setattr("sys.stdout", stream)
    caplog.set_level(level, "asyncworker")
    teller("store", 100, 60.0)(3)
    [record] = caplog.records
    assert record.levelno == told
    assert record.getMessage() == (
        "handler store: a batch waits with 3 of 100 items, for 60 s at most: "
        "Options.BULK_FLUSH_INTERVAL, or ASYNCWORKER_FLUSH_TIMEOUT, says how long"
    )


def test_where_nobody_looks_nothing_is_told(monkeypatch, caplog):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    caplog.set_level("INFO", "asyncworker")
    assert teller("store", 100, 60.0) is None
