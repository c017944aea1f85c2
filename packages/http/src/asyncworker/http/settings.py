"""Every ASYNCWORKER_HTTP_* variable, in one place."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from asyncworker.settings import Environment

PREFIX: Final = "ASYNCWORKER_HTTP_"

Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]


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

    # Each pattern of the other engine takes half a megabyte, for as long as the worker lives.
    model_config = ConfigDict(regex_engine="python-re")
    env_prefix = PREFIX

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)
    body_limit: Bytes = 1024**2
    header_limit: Bytes = 8190
    header_timeout: Seconds = 15.0
    body_timeout: Seconds = 30.0
    answer_timeout: Seconds = 60.0
    heartbeat_interval: Seconds = 15.0
    keepalive_timeout: Seconds = 30.0
    access_log: bool = False
    sockets: str = Field(default="", pattern=r"^(\d+(,\d+)*)?$")

    @property
    def descriptors(self) -> list[int]:
        """Return the numbers in `sockets`."""
        return [int(number) for number in self.sockets.split(",") if number]
