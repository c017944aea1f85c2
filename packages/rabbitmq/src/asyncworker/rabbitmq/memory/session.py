"""The broker's side of a connection: greeting, channels, closing (AMQP 0-9-1, 2.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pamqp.frame
from pamqp.commands import Channel as ChannelFrames
from pamqp.commands import Connection
from pamqp.exceptions import PAMQPException

from asyncworker.rabbitmq.frames import AROUND, BODY, END, HEADER, HEARTBEAT, METHOD, START
from asyncworker.rabbitmq.memory.channel import Channel
from asyncworker.rabbitmq.memory.errors import Refused, method_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pamqp.base import Frame

    from asyncworker.rabbitmq.memory.broker import MemoryBroker
    from asyncworker.rabbitmq.memory.vhost import VirtualHost

GREETING: Final = b"AMQP\x00\x00\x09\x01"
CHANNEL_MAX: Final = 2047
FRAME_MAX: Final = 131_072
CAPABILITIES: Final = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "exchange_exchange_bindings": True,
    "publisher_confirms": True,
}


class Session:
    """Answer one client, which any name and password let in.

    write: takes bytes for the client. hang_up: ends the way to it.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        write: Callable[[bytes], None],
        hang_up: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.loop = loop
        self.observer = broker.observer
        self.vhost: VirtualHost
        self.user = "guest"
        self.knows_cancel = False
        self.frame_max = FRAME_MAX
        self._broker = broker
        self._write = write
        self._hang_up = hang_up
        self._channels: dict[int, Channel] = {}
        self._data = b""
        self._is_greeted = False
        self._is_closing = False
        broker.enter(self)

    def receive(self, data: bytes) -> None:
        """Take what the client sends, however it is split."""
        self._data += data
        if not self._is_greeted and not self._greet():
            return
        data, position = self._data, 0
        while len(data) - position >= AROUND:
            kind, number, size = START.unpack_from(data, position)
            after = position + AROUND + size
            if after > len(data):
                break
            try:
                self._take(kind, number, data[position:after])
            except Refused as error:
                self.fail(error)
            except (PAMQPException, ValueError, IndexError) as error:
                self.fail(Refused(502, str(error)))
            position = after
        self._data = data[position:]

    def send(self, number: int, frame: Any) -> None:
        """Send a frame."""
        self._write(pamqp.frame.marshal(frame, number))

    def send_payload(self, kind: int, number: int, payload: bytes) -> None:
        """Send a frame that is bytes already."""
        self._write(START.pack(kind, number, len(payload)) + payload + bytes([END]))

    def fail(self, error: Refused, frame: Frame | None = None) -> None:
        """Close the connection, and say why."""
        if not self._is_closing:
            self._is_closing = True
            self.send(0, Connection.Close(error.code, str(error)[:255], *method_of(frame)))

    def end(self) -> None:
        """Put back what the client has not settled, and remove what was its alone."""
        self._is_closing = True
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.end()
        for vhost in self._broker.vhosts.values():
            for queue in [one for one in vhost.queues.values() if one.owner is self]:
                vhost.delete_queue(queue)
        self._broker.sessions.discard(self)

    def lose(self) -> None:
        """Break the connection off, as a power cut does."""
        self.end()
        if not self.loop.is_closed():
            self._hang_up()

    def _greet(self) -> bool:
        if len(self._data) < len(GREETING):
            return False
        if not self._data.startswith(GREETING):
            self._write(GREETING)
            self._hang_up()
            return False
        self._data = self._data[len(GREETING) :]
        self._is_greeted = True
        properties: Any = {"product": "asyncworker memory", "capabilities": CAPABILITIES}
        self.send(0, Connection.Start(0, 9, properties, "PLAIN AMQPLAIN", "en_US"))
        return True

    def _take(self, kind: int, number: int, frame: bytes) -> None:
        if number == 0:
            if kind == METHOD:
                self._on_method(pamqp.frame.unmarshal(frame)[2])
            else:
                # A client that watches the connection wants a sign of life for its own.
                self._write(HEARTBEAT)
        elif self._is_closing:
            return
        elif kind == METHOD:
            self._on_channel_method(number, pamqp.frame.unmarshal(frame)[2])
        elif number in self._channels and kind in (HEADER, BODY):
            self._channels[number].take_content(kind, frame[AROUND - 1 : -1])

    def _on_channel_method(self, number: int, frame: Any) -> None:
        channel = self._channels.get(number)
        if isinstance(frame, ChannelFrames.Open):
            if channel is not None:
                raise Refused(504, "second 'channel.open' seen")
            self._channels[number] = Channel(number, self)
            self.send(number, ChannelFrames.OpenOk())
        elif channel is None:
            if not isinstance(frame, ChannelFrames.CloseOk | ChannelFrames.Close):
                raise Refused(504, f"expected 'channel.open' on channel {number}")
        elif isinstance(frame, ChannelFrames.Close | ChannelFrames.CloseOk):
            del self._channels[number]
            channel.end()
            if isinstance(frame, ChannelFrames.Close):
                self.send(number, ChannelFrames.CloseOk())
        else:
            channel.take(frame)

    def _on_method(self, frame: Any) -> None:
        if isinstance(frame, Connection.StartOk):
            self.user = frame.response.split("\0")[1] if "\0" in frame.response else "guest"
            properties: Any = frame.client_properties or {}
            known = properties.get("capabilities") or {}
            self.knows_cancel = bool(known.get("consumer_cancel_notify"))
            self.send(0, Connection.Tune(CHANNEL_MAX, FRAME_MAX, 60))
        elif isinstance(frame, Connection.TuneOk):
            self.frame_max = frame.frame_max or FRAME_MAX
        elif isinstance(frame, Connection.Open):
            self.vhost = self._broker.vhost(frame.virtual_host)
            self.send(0, Connection.OpenOk())
        elif isinstance(frame, Connection.Close):
            self._is_closing = True
            self.send(0, Connection.CloseOk())
            self._hang_up()
        elif isinstance(frame, Connection.CloseOk):
            self._hang_up()
        elif isinstance(frame, Connection.UpdateSecret):
            self.send(0, Connection.UpdateSecretOk())
