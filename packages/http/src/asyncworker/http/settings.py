"""Every ASYNCWORKER_HTTP_* variable, in one place."""

from __future__ import annotations

from typing import Final

from asyncworker.record import COUNT, FLAG, SECONDS, checked_field
from asyncworker.settings import PORT, SOCKETS, TEXT, Environment

PREFIX: Final = "ASYNCWORKER_HTTP_"


class Settings(Environment):
    """Hold what the environment says about the server.

    host: the address that the server listens on. port: its port; 0 stands for a free one.
    body_limit: bytes of a request's body, decompressed.
    header_limit: bytes of the request line, and of each header.
    header_timeout: seconds from the connection to a complete head.
    body_timeout: seconds for a body, and one more for every 500 bytes of it.
    answer_timeout: seconds that a client may leave an answer unread.
    heartbeat_interval: seconds from what an event stream sent to a comment, if nothing is yielded.
    keepalive_timeout: seconds from an answer to the next complete head. Behind a proxy, more than
    the proxy keeps connections.
    access_log: whether each request is logged.
    sockets: descriptors, separated by commas, of sockets that listen already, as a parent shares
    them between several processes; they take the place of host and port.
    """

    env_prefix = PREFIX

    host: str = checked_field(default="127.0.0.1", schema=TEXT)
    port: int = checked_field(default=8080, schema=PORT)
    body_limit: int = checked_field(default=1024**2, schema=COUNT)
    header_limit: int = checked_field(default=8190, schema=COUNT)
    header_timeout: float = checked_field(default=15.0, schema=SECONDS)
    body_timeout: float = checked_field(default=30.0, schema=SECONDS)
    answer_timeout: float = checked_field(default=60.0, schema=SECONDS)
    heartbeat_interval: float = checked_field(default=15.0, schema=SECONDS)
    keepalive_timeout: float = checked_field(default=30.0, schema=SECONDS)
    access_log: bool = checked_field(default=False, schema=FLAG)
    sockets: str = checked_field(default="", schema=SOCKETS)

    @property
    def descriptors(self) -> list[int]:
        """Return the numbers in `sockets`."""
        return [int(number) for number in self.sockets.split(",") if number]
