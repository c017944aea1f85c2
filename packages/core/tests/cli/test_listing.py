"""`asyncworker routes`: a table of routes and schedules."""

import os
import subprocess
import sys

from packages.core.tests.cli.shop import APP, SCHEDULES, invoke, table


def test_the_table_has_a_row_for_each_route(module):
    module(APP)
    heads, first, second = table(invoke("routes", "shop"))
    assert heads == ["TYPE", "ROUTES", "HANDLER", "OPTIONS", "CONNECTION"]
    assert first == [
        "KAFKA",
        "orders,",
        "refunds",
        "shop.handle",
        "group=shop",
        "bulk_size=10",
        "main",
    ]
    assert second[:4] == ["PULSAR", "events", "shop.follow", "group=workers"]


def test_the_table_has_a_row_for_each_schedule(module):
    module(SCHEDULES)
    result = invoke("routes", "shop")
    assert result.stdout.splitlines()[1:] == [
        "SCHEDULE  every 30 s                 shop.count   timeout=20.0",
        "SCHEDULE  at '30 2 * * MON-FRI' UTC  shop.report",
    ]


def test_the_table_is_drawn_on_a_terminal(module, kafka):
    module(APP)
    drawn = on_terminal("routes", "shop")
    assert "┏" in drawn
    assert "orders, refunds" in drawn


def test_the_table_is_plain_on_a_terminal_without_rich(module, tmp_path):
    module(APP)
    (tmp_path / "rich.py").write_text("raise ImportError")
    drawn = on_terminal("routes", "shop")
    assert drawn.splitlines()[0].startswith("TYPE    ROUTES")


def on_terminal(*arguments):
    """Return what the command writes to a terminal of 200 columns."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    path = [path for path in sys.path if path.endswith("site-packages")]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with os.fdopen(theirs, "wb", buffering=0) as end:
            command = [sys.executable, "-m", "asyncworker", *arguments]
            process = subprocess.Popen(command, stdout=end, env=environment)
        assert process.wait(60) == 0
        return terminal.read(65536).decode()
