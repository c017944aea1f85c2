"""The benchmark's own AMQP client: blocking, and as fast as the broker.

It fills and counts queues, so that no subject's queue is filled by a library that is measured.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from pamqp import base, body, commands, frame, header, heartbeat
from pamqp.constants import FRAME_MAX_SIZE

from benchmarks.jobs import Address

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CHANNEL = 1
TIMEOUT = 120.0
OUTSTANDING = 5_000
"""Messages sent ahead of their confirms; a connection that only writes would fill its buffers."""
CHUNK = 500
PERSISTENT = 2


class Confirms:
    """Count confirmed messages; single confirms may come in any order."""

    def __init__(self) -> None:
        self._below = 0
        self._early: set[int] = set()

    def add(self, tag: int, *, multiple: bool) -> None:
        """Note one confirm."""
        if multiple:
            self._below = max(self._below, tag)
            self._early = {early for early in self._early if early > tag}
        else:
            self._early.add(tag)
        while self._below + 1 in self._early:
            self._below += 1
            self._early.remove(self._below)

    @property
    def count(self) -> int:
        """Return how many messages are confirmed."""
        return self._below + len(self._early)


class Client:
    """Own one connection with one channel, in confirm mode."""

    def __init__(self, url: str) -> None:
        if not url.startswith("amqp://"):
            raise ValueError("the benchmark needs a broker without TLS: amqp://...")
        address = Address.of(url)
        self._socket = socket.create_connection((address.host, address.port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._confirms = Confirms()
        self._sent = 0
        self._open(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A broker that is gone already is closed enough.
        with suppress(OSError):
            self._send(0, commands.Connection.Close(200, "", 0, 0))
        self._socket.close()

    def declare(self, queue: str) -> None:
        """Make a new, empty, durable classic queue."""
        self.delete(queue)
        self._call(commands.Queue.Declare(queue=queue, durable=True))

    def delete(self, queue: str) -> None:
        """Delete a queue; none of that name does no harm."""
        self._call(commands.Queue.Delete(queue=queue))

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange; none of that name does no harm."""
        self._call(commands.Exchange.Delete(exchange=exchange))

    def depth(self, queue: str) -> int:
        """Return how many messages are ready."""
        answer = self._call(commands.Queue.Declare(queue=queue, passive=True))
        count: int = answer.message_count
        return count

    def consumers(self, queue: str) -> int:
        """Return how many consumers there are."""
        answer = self._call(commands.Queue.Declare(queue=queue, passive=True))
        count: int = answer.consumer_count
        return count

    def fill(
        self, queue: str, count: int, content: bytes, headers: dict[str, Any] | None = None
    ) -> None:
        """Publish one message many times; return when all are confirmed."""
        message = self._message(queue, content, headers)
        for start in range(0, count, CHUNK):
            number = min(CHUNK, count - start)
            self._socket.sendall(message * number)
            self._sent += number
            self._wait_for_confirms(OUTSTANDING)
        self._wait_for_confirms(0)

    def send(self, queue: str, content: bytes, headers: dict[str, Any] | None = None) -> None:
        """Publish one message, and do not wait."""
        self._socket.sendall(self._message(queue, content, headers))
        self._sent += 1

    def _open(self, address: Address) -> None:
        self._socket.sendall(PROTOCOL_HEADER)
        self._read()
        response = f"\0{address.user}\0{address.password}"
        tune = self._call(
            commands.Connection.StartOk(mechanism="PLAIN", response=response, locale="en_US"), 0
        )
        self._frame_max = tune.frame_max or FRAME_MAX_SIZE
        # No heartbeats: this client is silent while a subject works.
        self._send(0, commands.Connection.TuneOk(tune.channel_max, self._frame_max, 0))
        self._call(commands.Connection.Open(virtual_host=address.vhost), 0)
        self._call(commands.Channel.Open())
        self._call(commands.Confirm.Select())

    def _message(self, queue: str, content: bytes, headers: dict[str, Any] | None) -> bytes:
        properties = commands.Basic.Properties(
            content_type="application/json", delivery_mode=PERSISTENT, headers=headers or {}
        )
        size = self._frame_max - 8
        parts: list[Any] = [
            commands.Basic.Publish(routing_key=queue),
            header.ContentHeader(body_size=len(content), properties=properties),
            *(body.ContentBody(content[at : at + size]) for at in range(0, len(content), size)),
        ]
        return _bytes(CHANNEL, parts)

    def _wait_for_confirms(self, outstanding: int) -> None:
        while self._sent - self._confirms.count > outstanding:
            self._note(self._read())

    def _note(self, answer: Any) -> None:
        if not isinstance(answer, commands.Basic.Ack):
            raise ConnectionError(f"expected a confirm, got {answer!r}")
        self._confirms.add(answer.delivery_tag, multiple=answer.multiple)

    def _call(self, method: base.Frame, channel: int = CHANNEL) -> Any:
        self._send(channel, method)
        while isinstance(answer := self._read(), commands.Basic.Ack):
            self._note(answer)
        if isinstance(answer, commands.Channel.Close | commands.Connection.Close):
            raise ConnectionError(f"{method.name}: {answer.reply_text}")
        return answer

    def _send(self, channel: int, method: base.Frame) -> None:
        self._socket.sendall(_bytes(channel, [method]))

    def _read(self) -> Any:
        while True:
            used, _, answer = frame.unmarshal(self._buffer) if self._complete() else (0, 0, None)
            if used:
                self._buffer = self._buffer[used:]
                if not isinstance(answer, heartbeat.Heartbeat):
                    return answer
            elif data := self._socket.recv(65536):
                self._buffer += data
            else:
                raise ConnectionError("RabbitMQ closed the connection")

    def _complete(self) -> bool:
        # AMQP 0-9-1, 4.2.3: type, channel, size, payload, end.
        if len(self._buffer) < 8:
            return False
        return len(self._buffer) >= 8 + int.from_bytes(self._buffer[3:7], "big")


def _bytes(channel: int, frames: Iterable[Any]) -> bytes:
    return b"".join(frame.marshal(part, channel) for part in frames)
