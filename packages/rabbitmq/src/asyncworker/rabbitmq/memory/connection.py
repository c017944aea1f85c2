"""The broker's side of a connection: greeting, channels, closing (AMQP 0-9-1, 2.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pamqp.frame
from pamqp.commands import Channel as ChannelFrames
from pamqp.commands import Connection as Frames
from pamqp.exceptions import PAMQPException

from asyncworker.rabbitmq.amqp.frames import BODY, HEADER, HEARTBEAT, METHOD, OVERHEAD, START
from asyncworker.rabbitmq.memory.basic_methods import BASIC_METHODS
from asyncworker.rabbitmq.memory.channel import Channel
from asyncworker.rabbitmq.memory.client import FRAME_MAX
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.topology_methods import TOPOLOGY_METHODS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Observer
    from asyncworker.rabbitmq.memory.client import Client
    from asyncworker.rabbitmq.memory.vhost import VirtualHost

GREETING: Final = b"AMQP\x00\x00\x09\x01"
CHANNEL_MAX: Final = 2047
METHODS: Final = {**TOPOLOGY_METHODS, **BASIC_METHODS}
CAPABILITIES: Final = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "exchange_exchange_bindings": True,
    "publisher_confirms": True,
}


class Connection:
    """Answer one client.

    vhost: returns a virtual host by its name.
    """

    def __init__(
        self,
        client: Client,
        vhost: Callable[[str], VirtualHost],
        observer: Observer | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.client = client
        self.loop = loop
        self._vhost = vhost
        self._observer = observer
        self._channels: dict[int, Channel] = {}
        self._data = b""
        self._is_greeted = False

    def receive(self, data: bytes) -> None:
        """Take what the client sends, however it is split."""
        self._data += data
        if not self._is_greeted and not self._greet():
            return
        data, position = self._data, 0
        while len(data) - position >= OVERHEAD:
            kind, number, size = START.unpack_from(data, position)
            after = position + OVERHEAD + size
            if after > len(data):
                break
            try:
                self._take(kind, number, data[position:after])
            except Refused as error:
                self.client.fail(error)
            except (PAMQPException, ValueError, IndexError) as error:
                self.client.fail(Refused(502, str(error)))
            position = after
        self._data = data[position:]

    def end(self) -> None:
        """Put back what the client has not settled."""
        self.client.is_closing = True
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.end()

    def _greet(self) -> bool:
        if len(self._data) < len(GREETING):
            return False
        if not self._data.startswith(GREETING):
            self.client.write(GREETING)
            self.client.hang_up()
            return False
        self._data = self._data[len(GREETING) :]
        self._is_greeted = True
        properties: Any = {"product": "asyncworker memory", "capabilities": CAPABILITIES}
        self.client.send(0, Frames.Start(0, 9, properties, "PLAIN AMQPLAIN", "en_US"))
        return True

    def _take(self, kind: int, number: int, frame: bytes) -> None:
        if number == 0:
            if kind == METHOD:
                self._on_method(pamqp.frame.unmarshal(frame)[2])
            else:
                # A client that watches the connection wants a sign of life for its own.
                self.client.write(HEARTBEAT)
        elif self.client.is_closing:
            return
        elif kind == METHOD:
            self._on_channel_method(number, pamqp.frame.unmarshal(frame)[2])
        elif number in self._channels and kind in (HEADER, BODY):
            self._channels[number].take_content(kind, frame[OVERHEAD - 1 : -1])

    def _on_channel_method(self, number: int, frame: Any) -> None:
        channel = self._channels.get(number)
        if isinstance(frame, ChannelFrames.Open):
            if channel is not None:
                raise Refused(504, "second 'channel.open' seen")
            self._channels[number] = Channel(number, self.client, self._observer, METHODS)
            self.client.send(number, ChannelFrames.OpenOk())
        elif channel is None:
            if not isinstance(frame, ChannelFrames.CloseOk | ChannelFrames.Close):
                raise Refused(504, f"expected 'channel.open' on channel {number}")
        elif isinstance(frame, ChannelFrames.Close | ChannelFrames.CloseOk):
            del self._channels[number]
            channel.end()
            if isinstance(frame, ChannelFrames.Close):
                self.client.send(number, ChannelFrames.CloseOk())
        else:
            channel.take(frame)

    def _on_method(self, frame: Any) -> None:
        if isinstance(frame, Frames.StartOk):
            self.client.user = frame.response.split("\0")[1] if "\0" in frame.response else "guest"
            properties: Any = frame.client_properties or {}
            known = properties.get("capabilities") or {}
            self.client.knows_cancel = bool(known.get("consumer_cancel_notify"))
            self.client.send(0, Frames.Tune(CHANNEL_MAX, FRAME_MAX, 60))
        elif isinstance(frame, Frames.TuneOk):
            self.client.frame_max = frame.frame_max or FRAME_MAX
        elif isinstance(frame, Frames.Open):
            self.client.vhost = self._vhost(frame.virtual_host)
            self.client.send(0, Frames.OpenOk())
        elif isinstance(frame, Frames.Close):
            self.client.is_closing = True
            self.client.send(0, Frames.CloseOk())
            self.client.hang_up()
        elif isinstance(frame, Frames.CloseOk):
            self.client.hang_up()
        elif isinstance(frame, Frames.UpdateSecret):
            self.client.send(0, Frames.UpdateSecretOk())
