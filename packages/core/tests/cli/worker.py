"""What answers in place of a worker's monitor, and a terminal on which it is looked at."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from packages.core.tests.waiting import LIMIT

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def work(name, kind="rabbitmq", state="working", **more):
    """What a snapshot tells of a handler."""
    source = {"name": f"{name}-queue", "state": state, "reason": None, "since": 880.0}
    return {
        "kind": kind,
        "name": name,
        "sources": [{**source, "outcomes": {}}],
        "in_flight": 2,
        "waiting": 7,
        "oldest": 4.5,
        "batches": 4,
        "handled": 40,
        "seconds": 2.0,
        "failures": 0,
        "last_error": None,
        **more,
    }


def taken(**more):
    """A snapshot of a process."""
    return {
        "process": 1,
        "phase": "working",
        "at": 1000.0,
        "since": 700.0,
        "routes": [work("store")],
        "schedules": [],
        "publishing": [],
        "connections": [],
        "handlers": [],
        "loop": {"lag": 0.01, "blocked_seconds": 0.0, "last_blocked": None},
        "problems": [],
        "processes": [],
        **more,
    }


class Worker:
    """A server that answers with whatever `shown` returns, as JSON."""

    def __init__(self, shown):
        self.shown = shown
        self.paths = []

    @contextmanager
    def serving(self, port=0):
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                worker.paths.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(worker.shown()).encode())

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()


class Terminal:
    """A terminal of 200 columns, and the command that runs on it."""

    def __init__(self, *arguments):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        command = [sys.executable, "-m", "asyncworker", *arguments]
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            # So that Ctrl-C on this terminal is a signal to it.
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.written = ""

    @property
    def attributes(self):
        """How it takes keys now."""
        return termios.tcgetattr(self._theirs)

    def press(self, keys):
        os.write(self._ours, keys)

    def shows(self, text):
        """Wait until what is written from now on holds a text; return that."""
        self.written = ""
        return self._read(lambda: text in ESCAPES.sub("", self.written))

    def end(self):
        """Wait for the end; return the exit code."""
        self._read(lambda: self.process.poll() is not None)
        return self.process.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self, is_enough):
        deadline = time.monotonic() + LIMIT
        while not is_enough():
            assert time.monotonic() < deadline, self.written
            if select.select([self._ours], [], [], 0.05)[0]:
                self.written += os.read(self._ours, 65536).decode(errors="replace")
        return ESCAPES.sub("", self.written)
