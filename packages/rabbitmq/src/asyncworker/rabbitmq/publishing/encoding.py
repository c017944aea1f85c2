"""What `put()` was given, encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs import by_content_type, text
from asyncworker.codecs.codec import shown
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.publishing.header import header_of
from asyncworker.rabbitmq.publishing.keywords import (
    MAX_SHORT_STRING,
    NOTHING,
    delay_of,
    due_of,
    named,
    properties_of,
)
from asyncworker.rabbitmq.publishing.message import keywords_of
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from asyncworker.codecs import Codec
    from asyncworker.rabbitmq.publishing.message import Message

ABSENT: Final[Any] = object()
"""What `body` is when it is not given: None is a body like any other."""
NONE: Final[Mapping[str, Any]] = {}
DEFAULT: Final = by_content_type.codec
EMPTY: Final = b"\x00"
"""A short string of nothing."""
DELAY: Final = "x-delay"
"""The header by which an exchange of the type x-delayed-message holds a message back."""


def encoded(
    *,
    body: Any,
    routing_key: str,
    exchange: str,
    headers: Mapping[str, Any] | None,
    properties: Mapping[str, Any] | None,
    mandatory: bool,
    codec: Codec = DEFAULT,
    given: Mapping[str, Any] = NONE,
) -> Outgoing:
    """Return a message, checked.

    given: what else was given by name, checked.
    Raises: ConfigurationError, NotSerializable
    """
    address = address_of(exchange, routing_key)
    delay = due = 0.0
    others = NONE
    if given:
        delay, due = delay_of(given), due_of(given)
        others = properties_of(given)
    content, content_type = content_of(body, properties, others, codec)
    header = header_of(headers, properties, others, content_type)
    if mandatory and exchange and (headers or properties):
        # No queue has it yet, and none can be told of: the broker would return what will arrive.
        mandatory = not _is_delayed(headers, properties)
    return Outgoing(content, exchange, routing_key, address, header, mandatory, delay, due)


def encoded_message(message: Message, codec: Codec) -> Outgoing:
    """Return a message as it leaves.

    Raises: ConfigurationError, NotSerializable
    """
    keywords = keywords_of(message)
    return encoded(
        body=message.body,
        routing_key=message.routing_key,
        exchange=message.exchange,
        headers=message.headers,
        properties=message.properties,
        mandatory=message.mandatory,
        codec=codec,
        given=NONE if keywords == NOTHING else named(keywords),
    )


def address_of(exchange: str, routing_key: str) -> bytes:
    """Return where a message goes, as it is on the wire.

    Raises: ConfigurationError
    """
    name = EMPTY if exchange == "" else _short_string("exchange", exchange)
    address = name + _short_string("routing_key", routing_key)
    if not routing_key and not exchange:
        raise ConfigurationError("put() needs routing_key= (a queue's name), exchange= or both")
    return address


def _short_string(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, got {value!r}")
    encoded = value.encode()
    if len(encoded) > MAX_SHORT_STRING:
        raise ConfigurationError(f"{name} is longer than {MAX_SHORT_STRING} bytes: {value!r}")
    return bytes((len(encoded),)) + encoded


def content_of(
    body: Any, properties: Any, others: Mapping[str, Any], codec: Codec
) -> tuple[bytes, str]:
    """Return the bytes of a body, and their content type.

    Raises: NotSerializable
    """
    try:
        if codec is not DEFAULT:
            return encoded_by(codec, body)
        if (properties or others) and isinstance(body, str):
            for given in (properties, others):
                if as_text := _as_text(body, given):
                    return as_text
        return codec.encode(body)
    except Invalid as error:
        raise NotSerializable(str(error)) from error.__cause__


def _as_text(body: str, given: Any) -> tuple[bytes, str] | None:
    """Return a string as text, where its publisher says that it is, so that it is read as such."""
    content_type = given.get("content_type") if isinstance(given, Mapping) else None
    if not isinstance(content_type, str):
        return None
    as_text = text.of_type(body, content_type)
    return None if as_text is None else (as_text, content_type)


def encoded_by(codec: Codec, body: Any) -> tuple[bytes, str]:
    """Return what a codec makes of a body, which may be a codec of the user's.

    Raises: Invalid, NotSerializable
    """
    try:
        encoded = codec.encode(body)
    except Invalid:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise NotSerializable(f"body cannot be encoded by {shown(codec)}: {reason}") from error
    if not _is_content(encoded):
        reason = f"encode() must return (bytes, content type), got {type(encoded).__name__}"
        raise NotSerializable(f"body cannot be encoded by {shown(codec)}: {reason}")
    return encoded


def _is_content(encoded: Any) -> bool:
    if not isinstance(encoded, tuple) or len(encoded) != 2:
        return False
    return isinstance(encoded[0], bytes) and isinstance(encoded[1], str)


def _is_delayed(headers: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> bool:
    """Tell whether a message is held back, if its exchange is of the type x-delayed-message."""
    delay = {**((given or {}).get("headers") or {}), **(headers or {})}.get(DELAY)
    return isinstance(delay, int) and delay > 0
