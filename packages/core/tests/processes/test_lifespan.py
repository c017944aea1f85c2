import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from asyncworker.feed import Batches
from asyncworker.processes import lifespan
from asyncworker.processes.lifespan import Lifespan, Limits


@pytest.fixture
def told():
    return []


def read(span, *sizes, kind="rabbitmq"):
    batches = Batches([0.0] * len(sizes), [0.1] * len(sizes), dict(enumerate(sizes)), {})
    span.read(SimpleNamespace(kind=kind), batches)


def test_it_is_told_once_that_so_many_were_handled(told, caplog):
    caplog.set_level(logging.INFO)
    span = Lifespan(Limits(messages=10), lambda: told.append(1))
    read(span, 4, 5)
    read(span, 100, kind="publish")
    assert told == []
    read(span, 1)
    read(span, 1)
    assert told == [1]
    assert caplog.messages == [
        "handled 10 messages (--max-messages 10): another process is to take the place of this one"
    ]


def test_it_is_told_that_too_much_memory_is_taken(told, monkeypatch):
    taken = [50 * 2**20, 512 * 2**20]
    monkeypatch.setattr(lifespan, "memory", lambda: taken.pop(0))
    span = Lifespan(Limits(memory=512 * 2**20), lambda: told.append(1))
    read(span, 1)
    assert told == []
    read(span, 1)
    assert told == [1]


def test_the_memory_is_that_of_this_process():
    # One of its own: of a large one the system may take back what it has not used for long.
    program = (
        "from asyncworker.processes import lifespan\n"
        "before = lifespan.memory()\n"
        "held = b'x' * (64 * 2**20)\n"
        "print(lifespan.memory() - before)\n"
    )
    grown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert int(grown.stdout) > 32 * 2**20


def test_where_the_memory_of_now_is_not_told_the_most_counts(monkeypatch, tmp_path):
    now = lifespan.memory()
    monkeypatch.setattr(lifespan, "STATM", tmp_path / "missing")
    assert lifespan.memory() >= now / 2


@pytest.mark.parametrize(
    ("limits", "arguments"),
    [
        (Limits(), []),
        (Limits(messages=5), ["--max-messages=5"]),
        (Limits(5, 2**30), ["--max-messages=5", "--max-memory=1073741824"]),
    ],
)
def test_further_processes_are_told_the_same(limits, arguments):
    assert list(limits.arguments) == arguments
    assert bool(limits) == bool(arguments)
