"""Serve a folder as a host of static pages does."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST: Final = "127.0.0.1"


class Handler(SimpleHTTPRequestHandler):
    """Answer without a line in the log for each request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Serve many requests at once."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a browser that leaves a page breaks its connections off."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Yield the address at which a folder is served, on a free port."""
    with Server((HOST, 0), partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
