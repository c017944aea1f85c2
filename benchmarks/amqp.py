"""What fills and counts queues: a client that no subject uses, so that none is measured with it."""

from contextlib import suppress
from typing import Any, Self

import amqp

from benchmarks.jobs import Address

TIMEOUT = 120.0
WINDOW = 5_000
"""Messages sent ahead of their confirms; a connection that only writes would fill its buffers."""
PERSISTENT = 2
CLASSIC = "classic"
ANSWERED = ("content_type", "correlation_id")
"""What an answer takes over from its question."""
CAPABILITIES = {"connection.blocked": False}
"""With it, the library would look for a warning of the broker before each message."""


class Client:
    """Own one connection with one channel, in confirm mode."""

    def __init__(self, url: str) -> None:
        if not url.startswith("amqp://"):
            raise ValueError("the benchmark needs a broker without TLS: amqp://...")
        address = Address.of(url)
        self._connection = amqp.Connection(
            f"{address.host}:{address.port}",
            userid=address.user,
            password=address.password,
            virtual_host=address.vhost,
            client_properties={"capabilities": CAPABILITIES},
            read_timeout=TIMEOUT,
            write_timeout=TIMEOUT,
        )
        self._sent = 0
        self._unconfirmed: set[int] = set()

    def __enter__(self) -> Self:
        self._connection.connect()
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_confirm)
        return self

    def __exit__(self, *_: object) -> None:
        # A broker that is gone already is closed enough.
        with suppress(OSError):
            self._connection.close()

    def declare(self, queue: str, kind: str = CLASSIC) -> None:
        """Make a new, empty, durable queue."""
        self.delete(queue)
        # Who declares one of the usual kind again may say nothing of it.
        arguments = {} if kind == CLASSIC else {"x-queue-type": kind}
        self._channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)

    def delete(self, queue: str) -> None:
        """Delete a queue; none of that name does no harm."""
        self._channel.queue_delete(queue)

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange; none of that name does no harm."""
        self._channel.exchange_delete(exchange)

    def depth(self, queue: str) -> int:
        """Return how many messages are ready."""
        return int(self._channel.queue_declare(queue, passive=True).message_count)

    def consumers(self, queue: str) -> int:
        """Return how many consumers there are."""
        return int(self._channel.queue_declare(queue, passive=True).consumer_count)

    def fill(
        self, queue: str, count: int, content: bytes, headers: dict[str, Any] | None = None
    ) -> None:
        """Publish one message many times; return when all are confirmed."""
        message = _message(content, headers)
        for _ in range(count):
            self._publish(queue, message)
            self._wait_for_confirms(WINDOW)
        self._wait_for_confirms(0)

    def send(self, queue: str, content: bytes, headers: dict[str, Any] | None = None) -> None:
        """Publish one message, and do not wait."""
        self._publish(queue, _message(content, headers))

    def answer(self, queue: str) -> int:
        """Answer each message with its own body, until one wants no answer; return how many did."""
        # Without confirms, which an answer does not need.
        channel = self._connection.channel()
        wanted: list[bool] = []

        def on_message(message: amqp.Message) -> None:
            properties = message.properties
            wanted.append("reply_to" in properties)
            if wanted[-1]:
                told = {name: properties[name] for name in ANSWERED if name in properties}
                answer = amqp.Message(message.body, **told)
                channel.basic_publish(answer, routing_key=properties["reply_to"])

        channel.basic_consume(queue, callback=on_message, no_ack=True)
        while not wanted or wanted[-1]:
            self._connection.drain_events(TIMEOUT)
        return sum(wanted)

    def _publish(self, queue: str, message: amqp.Message) -> None:
        self._channel.basic_publish(message, routing_key=queue)
        self._sent += 1
        self._unconfirmed.add(self._sent)

    def _wait_for_confirms(self, outstanding: int) -> None:
        while len(self._unconfirmed) > outstanding:
            self._connection.drain_events(TIMEOUT)

    def _on_confirm(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {later for later in self._unconfirmed if later > tag}
        else:
            self._unconfirmed.discard(tag)


def _message(content: bytes, headers: dict[str, Any] | None) -> amqp.Message:
    return amqp.Message(
        content,
        content_type="application/json",
        delivery_mode=PERSISTENT,
        application_headers=headers or {},
    )
