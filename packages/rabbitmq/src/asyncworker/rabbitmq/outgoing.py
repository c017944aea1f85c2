"""A message on its way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import getrandbits
from typing import Any, Final

from pamqp.commands import Basic
from pamqp.header import ContentHeader
from pydantic_core import to_json

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.no_form import has_names, without_form

ABSENT: Final[Any] = object()
"""What `body` is when it is not given: None is a body like any other."""

JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
PERSISTENT: Final = 2
DELAY: Final = "x-delay"
"""The header by which an exchange of the type x-delayed-message holds a message back."""
HEADER_START: Final = 12
"""Bytes of a content header before the properties (AMQP 0-9-1, 2.3.5.2)."""
MAX_SHORT_STRING: Final = 255
"""Bytes in a routing key or an exchange name (AMQP 0-9-1, 4.2.5.3)."""
_BYTES_LIKE: Final = (bytes, bytearray, memoryview)
_JSON_HEADER: Final = (
    # The flags of content type, delivery mode and message id; then these, up to the id.
    b"\x90\x80" + bytes([len(JSON)]) + JSON.encode() + bytes([PERSISTENT, 32])
)


@dataclass(slots=True)
class Outgoing:
    """Hold what is published, in the form the wire takes.

    address: exchange and routing key, as short strings. header: properties and their flags.
    """

    body: bytes
    exchange: str
    routing_key: str
    address: bytes
    header: bytes
    mandatory: bool

    def __str__(self) -> str:
        return f"exchange {self.exchange!r}, routing key {self.routing_key!r}"

    def check_header(self, max_payload: int) -> None:
        """Accept properties that a frame can hold: unlike a body they cannot be split.

        max_payload: bytes in one frame.
        Raises: NotSerializable
        """
        size = HEADER_START + len(self.header)
        if size > max_payload:
            raise NotSerializable(
                f"{self}: headers and properties take {size} bytes, this broker takes "
                f"{max_payload} at most: say it in the body, or raise its frame_max"
            )

    @property
    def properties(self) -> Basic.Properties:
        """Return the properties as the library takes them."""
        header = ContentHeader()
        header.unmarshal(bytes(12) + self.header)
        return header.properties


def outgoing(
    *,
    body: Any,
    routing_key: str,
    exchange: str,
    headers: Mapping[str, Any] | None,
    properties: Mapping[str, Any] | None,
    mandatory: bool,
) -> Outgoing:
    """Return a message, checked.

    Raises: ConfigurationError, NotSerializable
    """
    address = _short_string("exchange", exchange) + _short_string("routing_key", routing_key)
    if not routing_key and not exchange:
        raise ConfigurationError("put() needs routing_key= (a queue's name), exchange= or both")
    is_bytes = isinstance(body, _BYTES_LIKE)
    content = bytes(body) if is_bytes else _json(body)
    if headers or properties or is_bytes:
        header = _header(headers, properties, BYTES if is_bytes else JSON)
        # No queue has it yet, and none can be told of: the broker would return what will arrive.
        mandatory = mandatory and not (exchange and _is_delayed(headers, properties))
    else:
        header = _JSON_HEADER + _new_id().encode()
    return Outgoing(content, exchange, routing_key, address, header, mandatory)


def _new_id() -> str:
    """Return 32 digits that are no secret, but differ from all others, in forked processes too."""
    return f"{getrandbits(128):032x}"


def _short_string(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, got {value!r}")
    encoded = value.encode()
    if len(encoded) > MAX_SHORT_STRING:
        raise ConfigurationError(f"{name} is longer than {MAX_SHORT_STRING} bytes: {value!r}")
    return bytes((len(encoded),)) + encoded


def _json(body: Any) -> bytes:
    try:
        return to_json(body, inf_nan_mode="null")
    except ValueError as error:
        raise NotSerializable(f"body has no JSON form: {error}") from error


def _header(
    headers: Mapping[str, Any] | None, given: Mapping[str, Any] | None, content_type: str
) -> bytes:
    """Return the properties of AMQP 0-9-1 (1.8.1), as they are on the wire.

    A message without an id gets one, so that those who get it twice can know.
    """
    _check_mapping("headers", headers)
    _check_mapping("properties", given)
    values = {"content_type": content_type, "delivery_mode": PERSISTENT, **(given or {})}
    values["message_id"] = values.get("message_id") or _new_id()
    _check_mapping("properties['headers']", values.get("headers"))
    if headers is not None:
        values["headers"] = {**(values.get("headers") or {}), **headers}
    for name in values:
        if name not in Basic.Properties.attributes():
            hint = suggestion(name, Basic.Properties.attributes())
            raise ConfigurationError(f"properties take no {name!r}: {hint}")
    try:
        if has_names(values.get("headers")):
            return Basic.Properties(**values).marshal()
    except Exception as error:
        # The library has no class of its own for what it cannot encode.
        raise without_form(values) from error
    raise without_form(values)


def _check_mapping(name: str, value: Any) -> None:
    if not isinstance(value, Mapping | None):
        raise ConfigurationError(f"{name} must be a dict, got {value!r}")


def _is_delayed(headers: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> bool:
    """Tell whether a message is held back, if its exchange is of the type x-delayed-message."""
    delay = {**((given or {}).get("headers") or {}), **(headers or {})}.get(DELAY)
    return isinstance(delay, int) and delay > 0
