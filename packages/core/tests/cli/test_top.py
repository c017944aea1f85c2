"""`asyncworker top`: how it stands with a running worker, live in a terminal."""

import itertools
import signal
import sys

import pytest

from packages.core.tests.cli.shop import invoke
from packages.core.tests.cli.worker import Terminal, Worker, taken, work


@pytest.fixture
def on_terminal():
    """Run the command on a terminal."""
    opened = []

    def on_terminal(*arguments):
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield on_terminal
    for terminal in opened:
        terminal.close()


@pytest.fixture
def at_once(monkeypatch):
    """Let no time pass between two frames."""
    from asyncworker.cli.top import screen

    monkeypatch.setattr(screen, "EVERY", 0.0)


@pytest.fixture
def printed(at_once):
    """What is printed of snapshots where there is no terminal, line by line."""

    def printed(**more):
        moments = itertools.count(1000)
        with Worker(lambda: taken(at=float(next(moments)), **more)).serving() as port:
            result = invoke("top", f"http://127.0.0.1:{port}")
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return printed


def rows(lines, table):
    """The rows of a table, by what its heading begins with, as lists of words."""
    heading = table.split()
    found = (n for n, line in enumerate(lines) if line.split()[: len(heading)] == heading)
    start = next(found)
    return [line.split() for line in itertools.takewhile(str.strip, lines[start + 1 :])]


def test_prints_one_frame_where_there_is_no_terminal(printed):
    lines = printed()
    assert [line for line in lines if line.endswith(" ")] == []
    assert lines[1] == "working for 5 min 1 s, 1 route, loop lag 10 ms"
    [row] = rows(lines, "ROUTE")
    assert row[:4] == ["store", "●", "working", "store-queue"]
    assert row[-7:] == ["500", "ms", "2", "7", "4.5", "s", "0"]


def test_derives_the_rate_from_two_snapshots(at_once):
    moments = itertools.count(1)

    def shown():
        moment = next(moments)
        return taken(at=1000.0 + 2 * moment, routes=[work("store", handled=50 * moment)])

    with Worker(shown).serving() as port:
        [row] = rows(invoke("top", f"http://127.0.0.1:{port}").stdout.splitlines(), "ROUTE")
    assert "25/s" in row


def test_tells_what_each_handler_is_and_was_at(printed):
    error = {"text": "ValueError('no room')", "at": 941.0}
    running = {"kind": "rabbitmq", "route": "store", "seconds": 61.0, "size": 20, "process": 1}
    blocked = {"process": 1, "handler": None, "at": "/srv/shop.py:3 in load", "since": 941.0}
    blocked["seconds"] = 2.5
    lines = printed(
        routes=[work("store", failures=3, last_error=error)],
        schedules=[work("tidy", "schedule")],
        publishing=[work("shop", "publish")],
        handlers=[{**running, "at": "/srv/shop.py:12 in store"}],
        loop={"lag": 0.0, "blocked_seconds": 2.5, "last_blocked": blocked},
        connections=[{"name": "shop", "is_open": False, "lost": 2}],
        problems=[{"subject": "queue 'late'", "reason": "blocked"}],
    )
    assert rows(lines, "HANDLER LAST ERROR") == [["store", "ValueError('no", "room')", "1", "min"]]
    assert rows(lines, "SCHEDULE")[0][0] == "tidy"
    assert rows(lines, "PUBLISHING")[0][0] == "shop"
    assert rows(lines, "HANDLER FOR") == [
        ["store", "1", "min", "1", "s", "20", "/srv/shop.py:12", "in", "store"]
    ]
    assert rows(lines, "BLOCKED THE LOOP") == [
        ["-", "2.5", "s", "1", "min", "/srv/shop.py:3", "in", "load"]
    ]
    assert rows(lines, "CONNECTION") == [["shop", "▲", "lost", "2"]]
    assert rows(lines, "PROBLEM") == [["queue", "'late'", "blocked"]]


def test_tells_why_a_route_cannot_work_once(printed):
    route = work("store", state="waiting")
    route["sources"][0]["reason"] = "does not exist"
    lines = printed(
        routes=[route, work("watch", "sse")],
        problems=[{"subject": "queue 'store-queue'", "reason": "not consumed: does not exist"}],
    )
    assert lines[2] == "▲ 1 of 2 routes cannot work: store"
    assert rows(lines, "PROBLEM") == [["store:", "store-queue", "does", "not", "exist"]]


def test_who_stands_by_has_no_problem(printed):
    route = work("watch", "sse", state="standing by")
    route["sources"][0]["reason"] = "another holds lock 'watch'"
    shared = work("follow", "sse")
    shared["sources"][0]["reason"] = "in 1 of 4 processes"
    lines = printed(routes=[route, shared])
    assert rows(lines, "ROUTE")[0][:4] == ["watch", "○", "standing", "by"]
    assert not [line for line in lines if "another holds" in line or "in 1 of 4" in line]


def test_tells_of_how_many_processes(printed):
    assert printed(processes=[taken(), taken()])[1].endswith(
        ", 1 route, 2 processes, loop lag 10 ms"
    )


def test_what_an_app_names_things_is_no_markup_and_moves_no_cursor(printed):
    lines = printed(routes=[work("[bold]\x1b[2Jstore\n")])
    assert (
        rows(lines, "ROUTE")[0][0]
        == "[bold]\N{REPLACEMENT CHARACTER}[2Jstore\N{REPLACEMENT CHARACTER}"
    )


def test_asks_below_the_prefix(at_once):
    worker = Worker(lambda: taken())
    with worker.serving() as port:
        assert invoke("top", f"http://127.0.0.1:{port}/-/").exit_code == 0
    assert set(worker.paths) == {"/-/status.json"}


def test_asks_the_monitor_of_the_environment(at_once, monkeypatch):
    with Worker(lambda: taken()).serving() as port:
        monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", str(port))
        monkeypatch.setenv("ASYNCWORKER_MONITOR_HOST", "0.0.0.0")
        assert f"http://127.0.0.1:{port}" in invoke("top").stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "give the URL of the monitor, or set ASYNCWORKER_MONITOR_PORT to its port"),
        (["127.0.0.1"], "the URL is none of a monitor: write it as http://127.0.0.1:9000"),
        (["http://u:secret@127.0.0.1:1"], "no answer from http://127.0.0.1:1/status.json: "),
    ],
)
def test_says_in_one_line_what_is_wrong(arguments, line, monkeypatch):
    monkeypatch.delenv("ASYNCWORKER_MONITOR_PORT", raising=False)
    result = invoke("top", *arguments)
    assert result.exit_code == 1
    [said] = result.stderr.splitlines()
    assert said.startswith(f"Error: {line}")


def test_says_that_something_else_answers():
    with Worker(lambda: {"other": 1}).serving() as port:
        result = invoke("top", f"http://127.0.0.1:{port}")
    assert result.stderr == f"Error: http://127.0.0.1:{port}/status.json is not of a monitor\n"


def test_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncworker.cli.top.screen", raising=False)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    result = invoke("top", "http://127.0.0.1:9000")
    assert result.stderr == "Error: top needs rich: pip install 'asyncworker-core[cli]'\n"
    assert result.exit_code == 2


def test_is_live_on_a_terminal_until_q(on_terminal):
    worker = Worker(lambda: taken())
    with worker.serving() as port:
        terminal = on_terminal("top", f"http://127.0.0.1:{port}")
        terminal.shows("store-queue")
        worker.shown = lambda: taken(routes=[work("watch")])
        terminal.shows("watch-queue")
        terminal.press(b"q")
        assert terminal.end() == 0
    # It leaves the screen, the cursor and the keys as they were.
    assert terminal.written.rindex("\x1b[?1049l") > terminal.written.rindex("watch")
    assert "\x1b[?25h" in terminal.written
    assert terminal.attributes == terminal.before


def test_ctrl_c_ends_it_as_well(on_terminal):
    with Worker(lambda: taken()).serving() as port:
        terminal = on_terminal("top", f"http://127.0.0.1:{port}")
        terminal.shows("store-queue")
        terminal.press(b"\x03")
        assert terminal.end() == 0
    assert "\x1b[?1049l" in terminal.written
    assert terminal.attributes == terminal.before


def test_a_signal_ends_it_as_well(on_terminal):
    with Worker(lambda: taken()).serving() as port:
        terminal = on_terminal("top", f"http://127.0.0.1:{port}")
        terminal.shows("store-queue")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 0
    assert "\x1b[?1049l" in terminal.written
    assert terminal.attributes == terminal.before


def test_says_that_the_worker_is_gone_and_waits_for_it(on_terminal):
    worker = Worker(lambda: taken())
    with worker.serving() as port:
        terminal = on_terminal("top", f"http://127.0.0.1:{port}")
        terminal.shows("store-queue")
    shown = terminal.shows(f"no answer from http://127.0.0.1:{port}/status.json")
    assert "waiting for it" in shown + terminal.shows("store-queue")
    worker.shown = lambda: taken(routes=[work("watch")])
    with worker.serving(port):
        assert "no answer" not in terminal.shows("watch-queue").rpartition("working for")[2]
