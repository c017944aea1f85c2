"""Which kind of line goes where: to a terminal, or to anything else."""

import json
import os
import pty
import subprocess
import sys

import pytest

from asyncworker.logs import JsonHandler, json_logging, logger
from packages.core.tests.logs.output import DEADLINE, output

SCRIPT = """
import logging
from asyncworker import App

log = logging.getLogger("orders")
app = App()

@app.run_on_startup
async def start(app):
    log.info("to stdout")
    try:
        raise KeyError("order 7")
    except KeyError:
        log.exception("to stderr")
    app.shutdown()

app.run()
"""


@pytest.fixture
def terminal():
    """A terminal: the end that a program writes to, and a function that returns what came."""
    main, other = pty.openpty()

    def read():
        os.close(other)
        parts = []
        try:
            while part := os.read(main, 65536):
                parts.append(part)
        except OSError:
            # So Linux says that nobody writes to it any more.
            pass
        return b"".join(parts).decode().replace("\r\n", "\n")

    yield other, read
    os.close(main)


@pytest.fixture
def running(monkeypatch):
    """Run the script; return its stdout and stderr where they are no terminal."""
    for name in ("NO_COLOR", "ASYNCWORKER_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def running(stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, **variables},
            text=True,
            timeout=DEADLINE,
            check=True,
        )
        return done.stdout, done.stderr

    return running


def test_a_terminal_shows_lines_for_people(running, terminal):
    end, read = terminal
    running(end, end)
    text = read()
    assert "\x1b[32mINFO    \x1b[0m to stdout \x1b[2m logger=orders\x1b[0m\n" in text
    assert "\x1b[31mERROR   \x1b[0m to stderr" in text
    assert "\n  Traceback (most recent call last):\n    File " in text
    assert "\n  KeyError: 'order 7'\n" in text
    assert "logged_at" not in text


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_shows_no_colors_to_who_wants_none(running, terminal, variables):
    end, read = terminal
    running(end, end, **variables)
    text = read()
    assert "INFO     to stdout  logger=orders\n" in text
    assert "\x1b" not in text


def test_an_empty_no_color_asks_for_nothing(running, terminal):
    end, read = terminal
    running(end, end, NO_COLOR="")
    assert "\x1b[32m" in read()


def test_what_does_not_go_to_the_terminal_is_json(running, terminal):
    end, read = terminal
    _, errors = running(stdout=end)
    assert json.loads(errors.splitlines()[-1])["msg"] == "to stderr"
    assert "to stdout" in read()


def test_a_terminal_shows_json_when_it_is_to(running, terminal):
    end, read = terminal
    running(end, end, ASYNCWORKER_LOG_FORMAT="json")
    assert "to stdout" in [json.loads(line)["msg"] for line in read().splitlines()]


def test_elsewhere_lines_are_json(running):
    out, errors = running()
    lines = [json.loads(line) for line in (out + errors).splitlines()]
    assert {"to stdout", "to stderr"} <= {line["msg"] for line in lines}


def test_elsewhere_lines_are_for_people_without_colors_when_they_are_to_be(running):
    out, errors = running(ASYNCWORKER_LOG_FORMAT="text")
    assert "INFO     to stdout  logger=orders\n" in out
    assert "\n  KeyError: 'order 7'\n" in errors
    assert "\x1b" not in out + errors


def test_a_format_that_there_is_not_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "asyncworker", "run", "nowhere:app", "--workers", "1"],
        env={**os.environ, "ASYNCWORKER_LOG_FORMAT": "xml"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "ASYNCWORKER_LOG_FORMAT: input should be 'auto', 'json' or 'text', got 'xml'" in line


def test_the_innermost_run_decides_and_without_one_lines_are_json():
    outer, inner = json_logging("INFO", log_format="json"), json_logging("INFO", log_format="text")
    with output() as result:
        outer.__enter__()
        inner.__enter__()
        logger.info("text")
        outer.__exit__(None, None, None)
        logger.info("text still")
        inner.__exit__(None, None, None)
        logger.info("json")
    first, second, third = result.out.getvalue().splitlines()
    assert first.endswith("INFO     text")
    assert second.endswith("INFO     text still")
    assert json.loads(third)["msg"] == "json"


def test_a_json_handler_of_the_user_writes_json_whatever_a_run_does():
    import logging

    instance = logging.Logger("orders", logging.DEBUG)  # noqa: LOG001
    instance.addHandler(JsonHandler())
    with output() as result, json_logging("INFO", log_format="text"):
        instance.info("x")
    assert result.line["msg"] == "x"
