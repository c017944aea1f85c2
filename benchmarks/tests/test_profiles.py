import sys

import pytest

from benchmarks.cases import chosen
from benchmarks.environments import Home
from benchmarks.measure import Stage, Subject
from benchmarks.peers import OURS, PEERS
from benchmarks.profiles import SHOWN, called, profile


@pytest.mark.parametrize(
    ("file", "function", "name"),
    [
        ("~", "<method 'send' of 'socket' objects>", "method 'send' of 'socket' objects"),
        ("/x/site-packages/aiormq/channel.py", "ack", "aiormq/channel.py:7 ack"),
        ("/x/packages/core/src/asyncworker/app.py", "run", "asyncworker/app.py:7 run"),
        ("/usr/lib/python3.11/asyncio/events.py", "_run", "asyncio/events.py:7 _run"),
        ("/x/benchmarks/window.py", "add", "window.py:7 add"),
    ],
)
def test_a_function_is_called_by_its_module(file, function, name):
    assert called(file, 7, function) == name


def test_a_profile_has_the_functions_that_take_most():
    (case,) = chosen(["timeit"], quick=True)
    home = Home(python=sys.executable)
    functions = profile(Subject(Stage("", ""), case, PEERS[OURS], home, 2_000))
    parts = [part for _, part in functions]
    assert len(parts) <= SHOWN
    assert parts == sorted(parts, reverse=True)
    assert 0 < sum(parts) <= 100
    assert any(name.startswith("asyncworker/utils/timeit.py:") for name, _ in functions)
