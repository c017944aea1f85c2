"""What is logged in this process, and by a process of its own."""

import contextlib
import io
import json
import subprocess
import sys

DEADLINE = 60


class Output:
    """What was logged while it stood for stdout and stderr."""

    def __init__(self):
        self.out, self.err = io.StringIO(), io.StringIO()

    @property
    def lines(self):
        text = self.out.getvalue() + self.err.getvalue()
        return [json.loads(line) for line in text.splitlines()]

    @property
    def line(self):
        [line] = self.lines
        return line


@contextlib.contextmanager
def output():
    result = Output()
    with contextlib.redirect_stdout(result.out), contextlib.redirect_stderr(result.err):
        yield result


def run(script, *, options=("-W", "error"), **arguments):
    """Run a script in an interpreter of its own; its text, errors and exit code."""
    arguments = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **arguments}
    command = [sys.executable, *options, "-c", script]
    return subprocess.run(command, text=True, timeout=DEADLINE, check=False, **arguments)


def parsed(text):
    return [json.loads(line) for line in text.splitlines()]


def failing():
    """Raise an error that another one caused."""
    try:
        raise KeyError("order 7")
    except KeyError as error:
        raise ValueError("no such order") from error
