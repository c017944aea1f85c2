"""Where a RabbitMQ is, and how to log in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from aiormq.exceptions import (
    AuthenticationError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

from asyncworker.errors import AsyncWorkerError
from asyncworker.provided import provided
from asyncworker.rabbitmq.amqp.schemes import MEMORY
from asyncworker.rabbitmq.connecting.login import EXTERNAL
from asyncworker.rabbitmq.errors import BrokerError, broker_errors, reason_of
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from aio_pika import Connection

    from asyncworker.rabbitmq.connecting.login import Auth

Password: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A password, or a function that returns it, sync or async."""

CONNECT_TIMEOUT: Final = 10.0
"""Seconds that one host has for the TCP, TLS and AMQP handshakes."""

END_TIMEOUT: Final = 0.5
"""Seconds that an attempt has to end by itself once it is not wanted any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Hold the hosts of one broker, tried in turn, and the login.

    password: or a function that returns it, sync or async, at each attempt to connect.
    auth: in what way to log in; username and password are empty where that is by a certificate.
    heartbeat: seconds. tls: None for a plain connection. name: as the broker's own tools show it.
    in_memory: whether it is one of this process, named by its one host.
    """

    hosts: tuple[tuple[str, int], ...]
    username: str
    password: Password = field(repr=False)
    auth: Auth = "plain"
    heartbeat: int
    tls: ssl.SSLContext | None
    name: str
    in_memory: bool = False

    def __str__(self) -> str:
        if self.in_memory:
            return f"{MEMORY}://{self.hosts[0][0]}"
        user = f"{self.username}@" if self.username else ""
        return f"{self.scheme}://{user}{','.join(self.shown_hosts)}"

    @property
    def shown_hosts(self) -> list[str]:
        """Return the hosts as URLs have them; of a broker in memory its name."""
        if self.in_memory:
            return [self.hosts[0][0]]
        return [
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
        ]

    def shares_host(self, other: Broker) -> bool:
        """Tell whether another one is the same broker, however each lists its hosts."""
        return not set(self.hosts).isdisjoint(other.hosts)

    async def connect(self, vhost: str, connection_class: type[Connection]) -> Connection:
        """Return a connection to the first host that accepts one.

        Raises: BrokerError, in one line that names hosts, vhost and user, never the password.
        """
        try:
            password = await self._current_password()
        except AsyncWorkerError as error:
            raise self._failure(vhost, str(error)) from None
        reasons = []
        for host, port in self.hosts:
            try:
                with broker_errors():
                    url = self._url(host, port, vhost, password)
                return await self._connect(url, connection_class)
            except BrokerError as error:
                reasons.append(self._explain(error, vhost))
        raise self._failure(vhost, *reasons)

    async def _current_password(self) -> str:
        if not callable(self.password):
            return self.password
        password = await provided("password", self.password, CONNECT_TIMEOUT)
        if not isinstance(password, str):
            kind = type(password).__name__
            raise AsyncWorkerError(f"password: {name_of(self.password)} returned {kind}, no string")
        return password

    def _failure(self, vhost: str, *reasons: str) -> BrokerError:
        return BrokerError(f"cannot connect to {self}, vhost {vhost!r}: {'; '.join(reasons)}")

    async def _connect(self, url: URL, connection_class: type[Connection]) -> Connection:
        with broker_errors():
            connection = connection_class(url, ssl_context=self.tls)
        # Cancelled in the middle, the library would leave a connection open that nobody holds.
        connecting = asyncio.ensure_future(connection.connect(timeout=CONNECT_TIMEOUT))
        try:
            with broker_errors():
                await asyncio.shield(connecting)
        except BaseException:
            # A cancellation too, of which the shielded attempt knows nothing.
            await _end(connecting)
            with suppress(BrokerError), broker_errors():
                await connection.close()
            raise
        return connection

    def _url(self, host: str, port: int, vhost: str, password: str) -> URL:
        url = URL.build(
            scheme=self.scheme,
            host=host,
            port=port,
            user=self.username or None,
            password=password or None,
        )
        # A vhost is a name: what looks like a step up in a path is a part of it.
        path = f"/{quote(vhost, safe='')}"
        return url.with_path(path, encoded=True).with_query(
            {"auth": self.auth, "heartbeat": self.heartbeat, "name": self.name}
        )

    @property
    def scheme(self) -> str:
        """Return what its URLs begin with."""
        if self.in_memory:
            return MEMORY
        return "amqp" if self.tls is None else "amqps"

    def _explain(self, error: BrokerError, vhost: str) -> str:
        cause = error.__cause__
        is_external = self.auth == EXTERNAL
        user = "the certificate's user" if is_external else f"user {self.username!r}"
        if isinstance(cause, AuthenticationError):
            return self._offered(str(cause.args[0]).split())
        if isinstance(cause, ProbableAuthenticationError):
            if is_external:
                return "the broker refuses the certificate, or has no user of its name"
            return f"the broker refuses {user} or its password"
        if isinstance(cause, InvalidFrameError) and "OpenOk" in str(cause):
            return f"vhost {vhost!r} does not exist, or {user} has no access to it"
        if isinstance(cause, TimeoutError):
            return f"no answer within {CONNECT_TIMEOUT:g} s"
        reason = reason_of(cause or error)
        if is_external and _is_hung_up(cause):
            return f"the broker hung up, as where it refuses a certificate: {reason}"
        return reason

    def _offered(self, mechanisms: list[str]) -> str:
        """Return what a broker means that offers other ways to log in (AMQP 0-9-1, 1.4.2.1)."""
        hint = ": enable its plugin rabbitmq_auth_mechanism_ssl" if self.auth == EXTERNAL else ""
        others = f"only {', '.join(mechanisms)}" if mechanisms else "and no other way to log in"
        return f"the broker offers no {self.auth.upper()}, {others}{hint}"


def _is_hung_up(cause: BaseException | None) -> bool:
    """Tell whether who had accepted the connection ended it: by an alert of TLS, or silently.

    A client of TLS 1.3 takes it for open before the other side has looked at its certificate.
    """
    below = None if cause is None else cause.__cause__
    if isinstance(below, ssl.SSLCertVerificationError):
        return False
    return isinstance(below, asyncio.IncompleteReadError | ConnectionResetError | ssl.SSLError)


async def _end(connecting: asyncio.Future[None]) -> None:
    """Let an attempt come to its end, or cancel it when that takes long."""
    if not (await asyncio.wait([connecting], timeout=END_TIMEOUT))[0]:
        connecting.cancel()
        await asyncio.wait([connecting], timeout=END_TIMEOUT)
    if connecting.done() and not connecting.cancelled():
        connecting.exception()
