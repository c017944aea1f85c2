import json
import time

import pytest

from tests.faults.ledger import Ledger
from tests.soak.record import Record


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def record(tmp_path, ledger):
    return Record(tmp_path / "record", ledger)


@pytest.fixture
def note(tmp_path):
    """Write what a worker did."""

    def note(event, *ids):
        with (tmp_path / "record").open("a") as file:
            file.writelines(f"{json.dumps({'event': event, 'id': one})}\n" for one in ids)

    return note


def test_there_may_be_no_record_yet(record):
    record.read()
    assert record.settled == 0


def test_what_was_handled_is_in_the_ledger(record, ledger, note):
    note("handled", "a-0", "a-1")
    record.read()
    note("handled", "a-1")
    record.read()
    assert ledger.handled == {"a-0": 1, "a-1": 2}
    assert ledger.duplicates == 1


def test_what_failed_is_settled_and_not_handled(record, ledger, note):
    note("failed", "a-0")
    record.read()
    assert record.settled == 1
    assert not ledger.handled


def test_a_line_that_is_not_complete_waits(record, tmp_path):
    file = tmp_path / "record"
    file.write_text('{"event": "handled", "id": "a-')
    record.read()
    assert record.settled == 0
    with file.open("a") as more:
        more.write('12"}\n')
    record.read()
    assert record.newest["a"] == 12


def test_the_newest_of_each_kind_is_known(record, note):
    note("handled", "soak.classic.bulk-7", "soak.classic.bulk-5", "/first-1")
    record.read()
    assert record.newest == {"soak.classic.bulk": 7, "/first": 1}


def test_tells_how_many_were_settled_since_a_moment(record, note):
    note("handled", "a-0")
    record.read()
    moment = time.monotonic()
    note("handled", "a-1", "a-2")
    record.read()
    assert record.settled_since(moment) == 2
    assert record.settled_since(0) == 3
