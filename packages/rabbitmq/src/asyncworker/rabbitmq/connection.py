"""AMQPConnection: one broker, to consume from and to publish to."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Never
from weakref import WeakKeyDictionary

from asyncworker.codecs import by_content_type, checked
from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.feed import Connected, Disconnected
from asyncworker.rabbitmq.asking.answer import answer_of
from asyncworker.rabbitmq.asking.asker import Asker
from asyncworker.rabbitmq.asking.question import question
from asyncworker.rabbitmq.checks import checked_name, checked_short
from asyncworker.rabbitmq.connecting.address import address_of, checked_vhost
from asyncworker.rabbitmq.connecting.fast_path import connection_class
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.locking.locks import Locks
from asyncworker.rabbitmq.locking.queue_lock import LONGEST_NAME, queue_of
from asyncworker.rabbitmq.operations import server_of
from asyncworker.rabbitmq.publishing.bundle import (
    encoded_messages,
    listed,
    raise_errors,
)
from asyncworker.rabbitmq.publishing.encoding import ABSENT, NONE, encoded
from asyncworker.rabbitmq.publishing.keywords import NOTHING, checked_keywords
from asyncworker.rabbitmq.publishing.message import Message
from asyncworker.rabbitmq.publishing.publisher import Publisher
from asyncworker.rabbitmq.recorded import recorded, recorded_many
from asyncworker.rabbitmq.traced import Part, traced, traced_parts
from asyncworker.route_types import RouteTypes

if TYPE_CHECKING:
    import ssl as tls
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from aio_pika.abc import AbstractChannel

    from asyncworker.codecs import Codec
    from asyncworker.feed import Activity, Feed
    from asyncworker.feed.recording import Recording
    from asyncworker.once import Lock
    from asyncworker.rabbitmq.asking.answer import Answer
    from asyncworker.rabbitmq.connecting.broker import Broker, Password
    from asyncworker.rabbitmq.errors import PublishError
    from asyncworker.rabbitmq.publishing.publisher import Expected
    from asyncworker.rabbitmq.topology import Queue
    from asyncworker.rabbitmq.wire.outgoing import Outgoing
    from asyncworker.route_types import RouteType
    from asyncworker.tracing.tracing import Tracing

PREFETCH: Final = 128
PUBLISH_TIMEOUT: Final = 30.0
_CHANGING: Final = threading.Lock()
"""Held by the thread that changes which event loops publish: each of them has its own."""


class AMQPConnection(Connection):
    """Say where a RabbitMQ is; consume from it by routes, publish to it by `put()`.

    hostname: one host, `host:port`, or a list of them, tried in turn.
    username, password: the login; both, or neither. A function for the password, sync or async, is
    asked at each attempt to connect, as a token may have expired.
    port: that of hosts which name none; with `ssl` 5671 when left out.
    prefetch: the most unsettled messages for each queue of a route, from 1 to 65535, where that
    says none itself and its batches are not larger.
    heartbeat: seconds between two heartbeats, up to 65535; a broker that misses three is lost. 0
    stands for none.
    ssl: True verifies the broker by the system's certificates, an SSLContext by its own.
    auth: "plain" for a login by password, "external" for one by the certificate that `ssl` holds
    (SASL EXTERNAL), which takes no username and no password; "plain" when left out.
    name: by which a route chooses the connection, where an app has several.
    host: the same as `hostname`. user: the same as `username`.
    prefetch_count: the same as `prefetch`.
    url: `amqps://user:password@host:port/vhost`, in place of `hostname`, `port`, `username`,
    `password`, `ssl` and `auth`, but for a function as `password`. Its vhost is that of routes and
    of `put()` which name none.
    `memory://name/vhost` is a broker in this process. Without `hostname` and `url` it is that of
    `ASYNCWORKER_AMQP_URL`.
    codec: what `put()` encodes bodies by, and routes that name none decode them by: itself or its
    name; `codecs.BY_CONTENT_TYPE` when left out.

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
        auth: Literal["plain", "external"] | None = None,
        codec: Codec | str | None = None,
    ) -> None:
        super().__init__(name)
        keywords: dict[str, Any] = {
            "hostname": _either("hostname", hostname, "host", host),
            "port": port,
            "username": _either("username", username, "user", user),
            "password": password,
            "ssl": ssl,
            "auth": auth,
        }
        label = name or "asyncworker"
        self.broker, self.vhost = address_of(url, keywords, heartbeat, label)
        prefetch = _either("prefetch", prefetch, "prefetch_count", prefetch_count)
        self.prefetch: int = checked_short(
            "prefetch", PREFETCH if prefetch is None else prefetch, 1
        )
        self.codec: Codec = _checked_codec(codec)
        self.late_outcomes: int = 0
        """How many outcomes were decided after their channel was lost."""
        self._publishers: dict[asyncio.AbstractEventLoop, dict[str, Publisher]] = {}
        self._expected: dict[str, list[Expected]] = {}
        self._told: tuple[Activity, Recording] | None = None
        """Who is told of what is published in a run, if anybody wants to know."""
        self._askers: WeakKeyDictionary[Publisher, Asker] = WeakKeyDictionary()
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, Locks] = WeakKeyDictionary()

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
        message_id: str | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        type: str | None = None,
        priority: int | None = None,
        timestamp: datetime | None = None,
        expiration: float | None = None,
        app_id: str | None = None,
        content_type: str | None = None,
        delay: float | None = None,
        at: datetime | None = None,
        data: Any = ABSENT,
        **unknown: Never,
    ) -> None:
        """Publish a message, persistent, and return when the broker has confirmed it.

        Lost connections are opened again, and what was not confirmed is published again.

        body: what the connection's codec takes; where it has none, any JSON value (dataclasses,
        pydantic models and structs of msgspec too), or bytes, which go as they are. data: its older
        name.
        routing_key: the name of a queue, where no exchange is named.
        exchange: its name; the default exchange when left out.
        vhost: that of the connection when left out. headers: those of the message.
        properties: those of AMQP 0-9-1, by name. mandatory: raise when no queue takes the message.
        timeout: seconds for all of it.
        message_id: one of its own when left out. correlation_id, reply_to, type, app_id: text.
        priority: from 0 to 255. timestamp: an aware datetime; now when left out.
        expiration: seconds that it may wait in a queue. content_type: as the codec says when left
        out.
        delay: seconds that the broker keeps it first. at: an aware datetime until which it does.

        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable, ConfigurationError
        """
        if unknown:
            raise _unknown(*unknown)
        _check_timeout(timeout)
        # In the order of `keywords.NAMES`.
        keywords = (
            message_id,
            correlation_id,
            reply_to,
            type,
            app_id,
            content_type,
            priority,
            timestamp,
            expiration,
            delay,
            at,
        )
        message = encoded(
            body=_body(body, data),
            routing_key=routing_key,
            exchange=exchange,
            headers=headers,
            properties=properties,
            mandatory=mandatory,
            codec=self.codec,
            given=NONE if keywords == NOTHING else checked_keywords(keywords, properties),
        )
        vhost = self.checked_vhost(vhost)
        publishing: Awaitable[None] = self.publisher(vhost).publish(message, timeout)
        if self.tracing is not None:
            publishing = traced(publishing, self.tracing, message, server_of(self.broker))
        await (publishing if self._told is None else recorded(publishing, *self._told, vhost))

    async def put_many(
        self,
        messages: Iterable[Message],
        timeout: float = PUBLISH_TIMEOUT,
        vhost: str | None = None,
    ) -> None:
        """Publish messages together, in their order, and return when the broker has confirmed all.

        Each is published as by `put()`. Where one has no form on the wire, none is published.

        timeout: seconds for all of it. vhost: that of the connection when left out.

        Raises: ConfigurationError; an ExceptionGroup of PublishErrors, after all are answered, one
        for each that was not published, or not for certain: its `message` is that Message
        """
        _check_timeout(timeout)
        vhost = self.checked_vhost(vhost)
        many = listed(messages)
        errors = await self.publish_many(encoded_messages(many, self.codec), vhost, timeout)
        raise_errors(many, errors, "not published, or not for certain")

    async def publish_many(
        self,
        messages: Sequence[Outgoing],
        vhost: str,
        timeout: float,
        parts: Sequence[Part] | None = None,
    ) -> list[PublishError | None]:
        """Publish messages that are encoded, and return for each what `put()` would raise.

        parts: the same messages, as far as each goes on in a context of its own; all of them go on
        in the current one when left out.
        """
        publishing: Awaitable[list[PublishError | None]]
        publishing = self.publisher(vhost).publish_many(messages, timeout)
        if self.tracing is not None and messages:
            own = [Part(messages)] if parts is None else parts
            publishing = traced_parts(publishing, self.tracing, own, server_of(self.broker))
        if self._told is None:
            return await publishing
        return await recorded_many(publishing, *self._told, vhost, len(messages))

    async def ask(
        self,
        body: Any,
        routing_key: str,
        exchange: str = "",
        vhost: str | None = None,
        headers: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        timeout: float = PUBLISH_TIMEOUT,
        *,
        message_id: str | None = None,
        type: str | None = None,
        priority: int | None = None,
        timestamp: datetime | None = None,
        app_id: str | None = None,
        content_type: str | None = None,
    ) -> Answer:
        """Publish a question, and return what is answered to it.

        Any number may wait at once: they share one channel, on which the answers come back. When
        the connection is lost, what the broker had not confirmed is asked again; what it had
        confirmed fails, as its answer cannot come any more.

        timeout: seconds for all of it, and until the question expires in a queue. It is not
        persistent, as its answer could not outlive the broker either.
        All else is as in `put()`.

        Raises: AskFailed, also when the other side says that it failed; AskTimeout, Unroutable,
        PublishRejected, NotSerializable, ConfigurationError
        """
        _check_timeout(timeout)
        message = Message(
            body,
            routing_key,
            exchange,
            headers=headers,
            properties=properties,
            message_id=message_id,
            type=type,
            priority=priority,
            timestamp=timestamp,
            app_id=app_id,
            content_type=content_type,
        )
        asked = question(message, self.codec, timeout)
        vhost = self.checked_vhost(vhost)
        asking: Awaitable[None] = self.asker(vhost).ask(asked, timeout)
        if self.tracing is not None:
            asking = traced(asking, self.tracing, asked, server_of(self.broker))
        await (asking if self._told is None else recorded(asking, *self._told, vhost))
        return answer_of(asked, self.codec)

    def lock(self, name: str) -> AbstractAsyncContextManager[Lock]:
        """Strive for a lock, which one process at a time holds, while the context lasts.

        What `async with` yields tells by `held` whether this process does. It is an exclusive
        queue, `asyncworker.once.` and the name, in the vhost of the connection.

        name: up to 238 bytes.
        Raises: ConfigurationError
        """
        checked_name("lock", name, LONGEST_NAME, is_ours=False)
        return self._strive_for(name)

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

    @contextmanager
    def told_to(self, feed: Feed, tracing: Tracing | None = None) -> Iterator[None]:
        """Tell of what is published, and of the connections, as long as a run lasts."""
        activity = feed.activity("publish", self._label, ())
        with super().told_to(feed, tracing):
            if activity.recording is not None:
                self._told = activity, activity.recording
            try:
                yield
            finally:
                self._told = None

    async def close(self) -> None:
        """Close what `put()` opened on this event loop; the next `put()` opens it again."""
        with _CHANGING:
            publishers = self._publishers.pop(asyncio.get_running_loop(), {})
            askers = [self._askers.pop(one, None) for one in publishers.values()]
        for asker in filter(None, askers):
            asker.close()
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
            expected = self._expected.setdefault(vhost, [])
            publishers[vhost] = Publisher(self.link(vhost), expected)
        return publishers[vhost]

    def link(self, vhost: str) -> Link:
        """Return a new connection to a vhost, of which the feed is told while an app runs."""
        return Link(self.broker, vhost, self._on_link)

    def _on_link(self, lost: str | None) -> None:
        if self.feed is not None:
            label, now = self._label, time.time()
            self.feed.tell(
                Connected(label, now) if lost is None else Disconnected(label, lost, now)
            )

    @property
    def locks(self) -> Locks:
        """Return the locks of this connection on the running loop."""
        loop = asyncio.get_running_loop()
        locks = self._locks.get(loop)
        if locks is None:
            locks = Locks(lambda: self.link(self.vhost), lambda: self.publisher(self.vhost))
            with _CHANGING:
                self._locks[loop] = locks
        return locks

    @asynccontextmanager
    async def _strive_for(self, name: str) -> AsyncIterator[Lock]:
        async with self.locks.lock(queue_of(name)) as lock:
            yield lock

    @property
    def _label(self) -> str:
        return self.name or str(self.broker)

    def asker(self, vhost: str) -> Asker:
        """Return what asks in a vhost on the running loop, by the connection of its publisher."""
        publisher = self.publisher(vhost)
        asker = self._askers.get(publisher)
        if asker is None:
            with _CHANGING:
                asker = Asker(publisher.link, self._expected[vhost])
                self._askers[publisher] = asker
        return asker

    def expect(self, vhost: str, queues: Iterable[Queue], is_wanted: Callable[[], bool]) -> None:
        """Have queues declared before anything is published to their vhost.

        is_wanted: asked when that is so.
        """
        self._expected.setdefault(vhost, []).extend((queue, is_wanted) for queue in queues)

    def __repr__(self) -> str:
        named = "" if self.name is None else f", name={self.name!r}"
        return f"AMQPConnection({str(self.broker)!r}{named})"


def _checked_codec(codec: Any) -> Codec:
    if codec is None:
        return by_content_type.codec
    try:
        return checked(codec)
    except ConfigurationError as error:
        raise ConfigurationError(f"codec {error}, got {codec!r}") from None


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
    if isinstance(body, Message):
        raise ConfigurationError("put() takes the parts of a Message: publish it by put_many()")
    return data if body is ABSENT else body
