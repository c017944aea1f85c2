"""AMQPConnection: one broker, to consume from and to publish to."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final, Never

from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.address import (
    address_from_keywords,
    address_from_url,
    checked_vhost,
    whole,
)
from asyncworker.rabbitmq.link import Link
from asyncworker.rabbitmq.outgoing import ABSENT, outgoing
from asyncworker.rabbitmq.paths import connection_class
from asyncworker.rabbitmq.publisher import Publisher
from asyncworker.route_types import RouteTypes

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from aio_pika.abc import AbstractChannel

    from asyncworker.rabbitmq.broker import Broker, Password
    from asyncworker.rabbitmq.topology import Queue
    from asyncworker.route_types import RouteType

PREFETCH: Final = 128
PUBLISH_TIMEOUT: Final = 30.0
_CHANGING: Final = Lock()
"""Held by the thread that changes which event loops publish: each of them has its own."""


class AMQPConnection(Connection):
    """Say where a RabbitMQ is; consume from it by routes, publish to it by `put()`.

    hostname: one host, `host:port`, or a list of them, tried in turn.
    username, password: the login; both, or neither. A function for the password, sync or async, is
    asked at each attempt to connect, as a token may have expired.
    port: that of hosts which name none; with `ssl` 5671 when left out.
    prefetch: the most unsettled messages for each queue of a route, from 1 to 65535.
    heartbeat: seconds between two heartbeats, up to 65535; a broker that misses three is lost. 0
    stands for none.
    ssl: True verifies the broker by the system's certificates, an SSLContext by its own.
    name: by which a route chooses the connection, where an app has several.
    host: the same as `hostname`. user: the same as `username`.
    prefetch_count: the same as `prefetch`.
    url: `amqps://user:password@host:port/vhost`, in place of `hostname`, `port`, `username`,
    `password` and `ssl`, but for a function as `password`. Its vhost is that of routes and of
    `put()` which name none.
    `memory://name/vhost` is a broker in this process.

    Raises: ConfigurationError
    """

    route_type: ClassVar[RouteType] = RouteTypes.AMQP_RABBITMQ
    state_key: ClassVar[str | None] = "rabbitmq_connection"
    noisy_loggers: ClassVar[tuple[str, ...]] = ("aio_pika", "aiormq")

    def __init__(
        self,
        hostname: str | Iterable[str] | None = None,
        username: str | None = None,
        password: Password | None = None,
        port: int | None = None,
        prefetch: int | None = None,
        heartbeat: int | None = None,
        ssl: bool | tls.SSLContext | None = None,
        name: str | None = None,
        *,
        host: str | Iterable[str] | None = None,
        user: str | None = None,
        prefetch_count: int | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(name)
        keywords: dict[str, Any] = {
            "hostname": _either("hostname", hostname, "host", host),
            "port": port,
            "username": _either("username", username, "user", user),
            "password": password,
            "ssl": ssl,
        }
        label = name or "asyncworker"
        if url is None:
            address = address_from_keywords(**keywords, heartbeat=heartbeat, name=label)
        else:
            teller = keywords.pop("password") if callable(password) else None
            _check_all_none(keywords)
            address = address_from_url(url, heartbeat, label, teller)
        self.broker, self.vhost = address
        prefetch = _either("prefetch", prefetch, "prefetch_count", prefetch_count)
        self.prefetch: int = whole("prefetch", PREFETCH if prefetch is None else prefetch, 1)
        self.late_outcomes: int = 0
        """How many outcomes were decided after their channel was lost."""
        self._publishers: dict[asyncio.AbstractEventLoop, dict[str, Publisher]] = {}
        self._queues: dict[str, list[Queue]] = {}

    async def put(
        self,
        body: Any = ABSENT,
        routing_key: str = "",
        exchange: str = "",
        vhost: str | None = None,
        headers: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        mandatory: bool = True,
        timeout: float = PUBLISH_TIMEOUT,
        *,
        data: Any = ABSENT,
        **unknown: Never,
    ) -> None:
        """Publish a message, persistent, and return when the broker has confirmed it.

        Lost connections are opened again, and what was not confirmed is published again.

        body: any JSON value, or bytes, which go as they are. data: its older name.
        routing_key: the name of a queue, where no exchange is named.
        exchange: its name; the default exchange when left out.
        vhost: that of the connection when left out. headers: those of the message.
        properties: those of AMQP 0-9-1, by name. mandatory: raise when no queue takes the message.
        timeout: seconds for all of it.

        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable, ConfigurationError
        """
        if unknown:
            raise _unknown(*unknown)
        _check_timeout(timeout)
        message = outgoing(
            body=_body(body, data),
            routing_key=routing_key,
            exchange=exchange,
            headers=headers,
            properties=properties,
            mandatory=mandatory,
        )
        await self.publisher(self.checked_vhost(vhost)).publish(message, timeout)

    @asynccontextmanager
    async def channel(self, vhost: str | None = None) -> AsyncIterator[AbstractChannel]:
        """Offer an aio-pika channel, on a connection of its own: to declare, bind, purge, look.

        vhost: that of the connection when left out.
        Raises: BrokerError, ConfigurationError
        """
        chosen = connection_class(in_memory=self.broker.in_memory)
        connection = await self.broker.connect(self.checked_vhost(vhost), chosen)
        async with connection, connection.channel() as channel:
            yield channel

    @contextmanager
    def redirected(self, broker: Broker) -> Iterator[None]:
        """Be a connection to another broker while the context lasts, as a test wants."""
        own, self.broker = self.broker, broker
        publishers, self._publishers = self._publishers, {}
        try:
            yield
        finally:
            self.broker, self._publishers = own, publishers

    async def close(self) -> None:
        """Close what `put()` opened on this event loop; the next `put()` opens it again."""
        with _CHANGING:
            publishers = self._publishers.pop(asyncio.get_running_loop(), {})
        for publisher in publishers.values():
            await publisher.close()

    def checked_vhost(self, vhost: str | None) -> str:
        """Return a vhost's name, or the connection's own for None.

        Raises: ConfigurationError
        """
        if vhost is None:
            return self.vhost
        return checked_vhost(vhost)

    def publisher(self, vhost: str) -> Publisher:
        """Return the publisher of a vhost on the running loop; forget those of closed loops."""
        loop = asyncio.get_running_loop()
        publishers = self._publishers.get(loop)
        if publishers is None:
            with _CHANGING:
                self._publishers = {
                    one: of for one, of in self._publishers.items() if not one.is_closed()
                }
                publishers = self._publishers[loop] = {}
        if vhost not in publishers:
            queues = self._queues.setdefault(vhost, [])
            publishers[vhost] = Publisher(Link(self.broker, vhost), queues)
        return publishers[vhost]

    def expect(self, vhost: str, queues: Iterable[Queue]) -> None:
        """Have queues declared before anything is published to their vhost."""
        self._queues.setdefault(vhost, []).extend(queues)

    def __repr__(self) -> str:
        named = "" if self.name is None else f", name={self.name!r}"
        return f"AMQPConnection({str(self.broker)!r}{named})"


def _check_all_none(keywords: dict[str, Any]) -> None:
    for name, value in keywords.items():
        if value is not None:
            raise ConfigurationError(f"url and {name}= are both given: say it in url alone")


def _either(name: str, value: Any, other_name: str, other: Any) -> Any:
    """Return whichever of two spellings was given."""
    if value is not None and other is not None:
        raise ConfigurationError(f"{name} and {other_name} are the same: give one of them")
    return other if value is None else value


def _unknown(name: str, *_: str) -> ConfigurationError:
    """Return what to raise for an argument that `put()` has not."""
    if "queue" in name:
        hint = "a queue's name is its routing_key"
    else:
        hint = suggestion(name, inspect.signature(AMQPConnection.put).parameters)
    return ConfigurationError(f"put() takes no {name!r}: {hint}")


def _check_timeout(timeout: Any) -> None:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ConfigurationError(f"timeout must be a number of seconds above 0, got {timeout!r}")


def _body(body: Any, data: Any) -> Any:
    if (body is ABSENT) == (data is ABSENT):
        reason = "neither" if body is ABSENT else "both"
        raise ConfigurationError(f"put() needs body= or data=, got {reason}")
    return data if body is ABSENT else body
