"""Messages that are published together: checked, encoded, and what became of each."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.rabbitmq.errors import NotSerializable, PublishError
from asyncworker.rabbitmq.publishing.encoding import (
    DEFAULT,
    NONE,
    address_of,
    encoded_by,
    encoded_message,
)
from asyncworker.rabbitmq.publishing.header import JSON, header_of, json_headers
from asyncworker.rabbitmq.publishing.message import PLAIN, Message
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.codecs import Codec


def listed(messages: Any) -> list[Message]:
    """Return messages as a list.

    Raises: ConfigurationError
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise ConfigurationError(f"put_many() takes a list of Messages, got {messages!r}")
    return list(messages)


def encoded_messages(messages: Sequence[Message], codec: Codec) -> list[Outgoing]:
    """Return all of them encoded.

    Raises: ConfigurationError; an ExceptionGroup of NotSerializable, one for each that cannot be
    """
    encode, encoded = Lot(codec).encoded, []
    errors: list[PublishError | None] = [None] * len(messages)
    for place, message in enumerate(messages):
        if not isinstance(message, Message):
            raise ConfigurationError(f"messages[{place}] must be a Message, got {message!r}")
        try:
            encoded.append(encode(message))
        except ConfigurationError as error:
            raise ConfigurationError(f"messages[{place}]: {error}") from None
        except NotSerializable as error:
            errors[place] = error
    raise_errors(messages, errors, "none was published, as these have no form on the wire")
    return encoded


def raise_errors(
    messages: Sequence[Message], errors: Sequence[PublishError | None], reason: str
) -> None:
    """Raise the errors, if there are some, together; each names its message.

    errors: one or None for each message, in their order.
    Raises: an ExceptionGroup of PublishError
    """
    if not any(errors):
        return
    raised = []
    for place, (message, error) in enumerate(zip(messages, errors, strict=True)):
        if error is not None:
            error.message = message
            error.args = (f"messages[{place}]: {error}",)
            raised.append(error)
    raise ExceptionGroup(f"{reason}: {len(raised)} of {len(messages)}", raised)


class Lot:
    """Encode messages that leave together; what they have in common is made once."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._encode = codec.encode if codec is DEFAULT else partial(encoded_by, codec)
        self._before_number, self._behind_number = json_headers()
        self._number = 0
        self._exchange = self._routing_key = ""
        self._address = b""

    def encoded(self, message: Message) -> Outgoing:
        """Return a message as it leaves.

        Raises: ConfigurationError, NotSerializable
        """
        if len(message.__dict__) == PLAIN:
            return self.plain(message.body, message.routing_key, message.exchange)
        return encoded_message(message, self._codec)

    def plain(self, body: Any, routing_key: str, exchange: str) -> Outgoing:
        """Return what is nothing but a body and an address.

        Raises: ConfigurationError, NotSerializable
        """
        if routing_key != self._routing_key or exchange != self._exchange or not self._address:
            self._address = address_of(exchange, routing_key)
            self._routing_key, self._exchange = routing_key, exchange
        try:
            content, content_type = self._encode(body)
        except Invalid as error:
            raise NotSerializable(str(error)) from error.__cause__
        if content_type == JSON:
            self._number = number = self._number + 1
            header = self._before_number + hexlify(number.to_bytes(4)) + self._behind_number
        else:
            header = header_of(None, None, NONE, content_type)
        return Outgoing(content, exchange, routing_key, self._address, header, True)
