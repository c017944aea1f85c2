"""A server of event streams, in a thread: it sends what is ready made, as fast as it is read."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from benchmarks.messages import USUAL, body, encode

HEADERS = {"Content-Type": "text/event-stream"}
CHUNK = 16_384
"""Bytes of a piece; events do not end where pieces do, as on any network."""
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def event_stream(count: int, chunk: int) -> Iterator[bytes]:
    """Yield the bytes of `count` events of 200 bytes of JSON, in pieces."""
    event = b"id: 1\nevent: order\ndata: " + encode(body(USUAL)) + b"\n\n"
    left = len(event) * count
    # Long enough for a whole piece from wherever the last one ended within an event.
    block = event * (chunk // len(event) + 2)
    at = 0
    while left:
        size = min(chunk, left)
        yield block[at : at + size]
        at = (at + size) % len(event)
        left -= size


@contextmanager
def event_server() -> Iterator[str]:
    """Yield the address of a server: `/N` is a stream of N events, which stays open after them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket) -> None:
    # Closing the listener ends the loop.
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            Thread(target=_serve, args=(client,), daemon=True).start()


def _serve(client: socket.socket) -> None:
    # A subject that has enough closes the connection in the middle.
    with client, suppress(OSError):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        path = request.split(b" ", 2)[1].strip(b"/")
        client.sendall(HEAD)
        for chunk in event_stream(int(path or 0), CHUNK):
            client.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        client.recv(1)
