"""SSEConnection: one server, and how it is asked for streams."""

from __future__ import annotations

import math
import ssl as tls
from typing import TYPE_CHECKING, Any, ClassVar, Final

from multidict import CIMultiDict

from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError
from asyncworker.route_types import RouteTypes
from asyncworker.sse.address import Address, address_of, joined
from asyncworker.sse.decoder import MAX_EVENT_SIZE
from asyncworker.sse.endpoint import Endpoint
from asyncworker.sse.headers import AUTHORIZATION, basic_auth, checked_source
from asyncworker.sse.settings import SSESettings

if TYPE_CHECKING:
    from yarl import URL

    from asyncworker.route_types import RouteType
    from asyncworker.sse.headers import HeaderProvider, Headers

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 300.0


class SSEConnection(Connection):
    """Say where a server of event streams is; read its streams by routes.

    url: `http://` or `https://`; the path of each route is joined to it. That of
    `ASYNCWORKER_SSE_URL` when left out.
    user, password: for Basic authentication; both may be part of the URL instead.
    headers: sent with each request; or a function that tells them, sync or async, which is asked at
    each attempt to connect, as a token may have expired.
    name: by which a route chooses the connection, where an app has several.
    connect_timeout: seconds to connect. read_timeout: seconds without a byte, after which a stream
    is taken for dead and opened again. None: it may be silent for ever.
    max_event_size: bytes of a line, and of the data lines of an event.
    ssl: an SSLContext, in place of the system's certificates.

    user, password, headers and ssl are for the origin of `url`: no redirect takes them elsewhere.
    Raises: ConfigurationError
    """

    route_type: ClassVar[RouteType] = RouteTypes.SSE
    state_key: ClassVar[str | None] = "sse_connection"

    def __init__(
        self,
        url: str | None = None,
        user: str | None = None,
        password: str | None = None,
        headers: Headers | None = None,
        name: str | None = None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = READ_TIMEOUT,
        max_event_size: int = MAX_EVENT_SIZE,
        ssl: tls.SSLContext | None = None,
    ) -> None:
        super().__init__(name)
        address, authorization = _login(url, user, password)
        self.url: URL = address.url
        own = checked_source(headers)
        self.headers: CIMultiDict[str] = CIMultiDict() if callable(own) else own
        self._providers: tuple[HeaderProvider, ...] = (own,) if callable(own) else ()
        if authorization is not None:
            if AUTHORIZATION in self.headers:
                raise ConfigurationError("user= and headers['Authorization'] are both given")
            self.headers[AUTHORIZATION] = authorization
        self.connect_timeout: float = _seconds("connect_timeout", connect_timeout)
        self.read_timeout: float | None = (
            None if read_timeout is None else _seconds("read_timeout", read_timeout)
        )
        self.max_event_size: int = _size("max_event_size", max_event_size)
        if not isinstance(ssl, tls.SSLContext | None):
            raise ConfigurationError(f"ssl must be an SSLContext, got {ssl!r}")
        self.ssl: tls.SSLContext | None = ssl

    def endpoint(self, route: str, headers: Headers | None = None) -> Endpoint:
        """Return the endpoint of a route, whose own headers go before those of the connection.

        Raises: ConfigurationError
        """
        own, merged = checked_source(headers), self.headers.copy()
        if not callable(own):
            merged.update(own)
        return Endpoint(
            url=joined(self.url, route),
            headers=merged,
            sources=(*self._providers, own) if self._providers or callable(own) else (),
            ssl=self.ssl,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )

    def __repr__(self) -> str:
        named = "" if self.name is None else f", name={self.name!r}"
        return f"SSEConnection({str(self.url)!r}{named})"


def _login(url: str | None, user: Any, password: Any) -> tuple[Address, str | None]:
    """Return the address, that of the environment where none is given, and its Authorization."""
    if url is not None:
        address = address_of(url)
        return address, _authorization(address, user, password)
    own = SSESettings.load().url
    if own is None:
        raise ConfigurationError("SSEConnection needs url=, or set ASYNCWORKER_SSE_URL")
    with SSESettings.named("url"):
        return _login(own, user, password)


def _authorization(address: Address, user: Any, password: Any) -> str | None:
    """Return the value of Authorization for a login by URL or by arguments, None without any."""
    if address.user is not None or address.password is not None:
        if user is not None or password is not None:
            raise ConfigurationError("url and user= or password= both hold a login: give one")
        return basic_auth(address.user or "", address.password or "")
    if (user is None) != (password is None):
        missing = "user" if user is None else "password"
        raise ConfigurationError(f"{missing}= is missing: give both user and password")
    return None if user is None else basic_auth(user, password)


def _size(name: str, value: Any) -> int:
    """Return a value that is a number of bytes."""
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{name} must be an int of bytes above 0, got {value!r}")
    return value


def _seconds(name: str, value: Any) -> float:
    """Return a value that is a time to wait."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise ConfigurationError(f"{name} must be a number of seconds above 0, got {value!r}")
    return float(value)
