"""What TestApp offers for HTTP: a client of the server, which listens on a free port."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from asyncworker.http.extension import HTTP
    from asyncworker.http.route import HTTPRoute

__all__ = ["Answer", "HTTPStand"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold the answer to a request.

    status: its number. headers: keyed by name, in whatever case. content: the bytes of the body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.content.decode()

    @property
    def json(self) -> Any:
        """Return the body's JSON value.

        Raises: ValueError
        """
        return from_json(self.content)


class HTTPStand:
    """Ask the server of a running app."""

    def __init__(self, http: HTTP, routes: Sequence[HTTPRoute]) -> None:
        self.routes: Sequence[HTTPRoute] = routes
        self._http = http
        self._client: ClientSession | None = None

    @property
    def client(self) -> ClientSession:
        """Return a client that takes paths for URLs."""
        if self._client is None:
            self._client = ClientSession(self._http.url)
        return self._client

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Return the answer to a request.

        options: those of `aiohttp.ClientSession.request()`, as `json=` or `headers=`.
        """
        async with self.client.request(method, path, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    def busy(self) -> list[str]:
        """Return nothing: whoever asks waits for the answer."""
        return []

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()


@asynccontextmanager
async def stand(http: HTTP, routes: Sequence[HTTPRoute]) -> AsyncIterator[HTTPStand]:
    """Have the server listen on a free port of this machine."""
    own = http.settings
    http.settings = replace(own, host="127.0.0.1", port=0, sockets="")
    made = HTTPStand(http, routes)
    try:
        yield made
    finally:
        http.settings = own
        await made.close()
