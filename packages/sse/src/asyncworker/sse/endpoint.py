"""Where one stream is, and how it is asked for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from asyncworker.sse.address import origin_of
from asyncworker.sse.errors import StreamError, StreamOver, one_line, stream_errors
from asyncworker.sse.headers import headers_from
from asyncworker.sse.retry_after import seconds_to_wait
from asyncworker.sse.version import __version__

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import (
        ClientHandlerType,
        ClientRequest,
        ClientResponse,
        ClientSession,
        StreamReader,
    )

    from asyncworker.sse.headers import HeaderProvider

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {
    "Accept": EVENT_STREAM,
    "Accept-Encoding": "identity",
    "Cache-Control": "no-store",
    "User-Agent": f"asyncworker-sse/{__version__}",
}
REDIRECTS: Final = (301, 302, 303, 307, 308)
MAX_REDIRECTS: Final = 10
NO_ANSWER: Final = "no answer in time (connect_timeout, read_timeout)"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Endpoint:
    """Hold the URL of a stream, and what goes with each request for it.

    url: its query may hold a secret. headers, ssl: for the origin of `url` and no other, as they
    may hold credentials. sources: what else is among the headers, some of it by functions that are
    asked at each attempt; of one name, the last counts.
    connect_timeout: seconds to connect. read_timeout: seconds without a byte, or None.
    """

    url: URL = field(repr=False)
    headers: CIMultiDict[str] = field(repr=False)
    sources: tuple[Mapping[str, str] | HeaderProvider, ...] = field(default=(), repr=False)
    ssl: tls.SSLContext | None = field(repr=False)
    connect_timeout: float
    read_timeout: float | None

    @asynccontextmanager
    async def opened(
        self, session: ClientSession, last_event_id: str
    ) -> AsyncIterator[StreamReader]:
        """Offer the bytes of the stream, asked to go on after `last_event_id`.

        Raises: StreamError, StreamOver
        """
        with stream_errors(NO_ANSWER):
            response = await self._answer(session, last_event_id)
        try:
            _check(response)
            yield response.content
        finally:
            response.close()

    async def _answer(self, session: ClientSession, last_event_id: str) -> ClientResponse:
        """Return the first answer that is no redirect."""
        url, trusted, own = self.url, True, await self._own_headers()
        for _ in range(1 + MAX_REDIRECTS):
            headers, ssl = (own, self.ssl) if trusted else ({}, None)
            response = await self._get(session, url, last_event_id, headers, ssl)
            if response.status not in REDIRECTS:
                return response
            response.close()
            url = _target(response, url)
            # Once elsewhere, who sends the client back may not borrow its credentials either.
            trusted = trusted and origin_of(url) == origin_of(self.url)
        raise StreamError(f"redirected more than {MAX_REDIRECTS} times")

    async def _own_headers(self) -> CIMultiDict[str]:
        headers = self.headers.copy()
        for source in self.sources:
            headers.update(await headers_from(source, self.connect_timeout))
        return headers

    async def _get(
        self,
        session: ClientSession,
        url: URL,
        last_event_id: str,
        own: Mapping[str, str],
        ssl: tls.SSLContext | None,
    ) -> ClientResponse:
        headers = CIMultiDict(HEADERS)
        headers.update(own)
        options: dict[str, Any] = {} if ssl is None else {"ssl": ssl}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        timeout = ClientTimeout(
            total=None,
            connect=self.connect_timeout,
            sock_connect=self.connect_timeout,
            sock_read=self.read_timeout,
        )
        # The library has no limit for headers that come byte by byte.
        limit = None if self.read_timeout is None else self.connect_timeout + self.read_timeout
        async with asyncio.timeout(limit):
            return await session.get(
                url, headers=headers, timeout=timeout, allow_redirects=False, **options
            )


async def asked_once(request: ClientRequest, ask: ClientHandlerType) -> ClientResponse:
    """Return the answer to a request, or raise what is no reason for the library to ask again.

    When a server hangs up, it would at once and by itself, and so knock twice as often as the
    backoff allows.
    """
    with stream_errors(NO_ANSWER):
        return await ask(request)


def _target(response: ClientResponse, url: URL) -> URL:
    """Return where a redirect leads, without the credentials that it may hold."""
    location = response.headers.get("Location")
    if not location:
        raise StreamError(f"redirected ({response.status}) to nowhere: no Location")
    target = url.join(URL(location))
    if target.scheme not in ("http", "https") or not target.host:
        raise StreamError(f"redirected ({response.status}) to what is no http or https URL")
    return target.with_user(None)


def _check(response: ClientResponse) -> None:
    """Accept the answer that a stream begins with (WHATWG HTML 9.2.3)."""
    if response.status == 204:
        raise StreamOver("the server answered 204: this stream is over, and not asked for again")
    if response.status != 200:
        raise StreamError(
            f"the server answered {response.status} {one_line(response.reason or '')}".rstrip(),
            seconds_to_wait(response.headers.get("Retry-After", "")),
        )
    content_type = response.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != EVENT_STREAM:
        raise StreamError(
            f"the server answered with content type {one_line(content_type)!r}, "
            f"which is not {EVENT_STREAM}"
        )
