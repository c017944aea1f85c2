"""A message on its way out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader
from pydantic_core import to_json

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.errors import NotSerializable

if TYPE_CHECKING:
    from collections.abc import Mapping

ABSENT: Final[Any] = object()
"""What `body` is when it is not given: None is a body like any other."""

JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
PERSISTENT: Final = 2
MAX_FIELD_NAME: Final = 128
"""Characters in the name of a header (AMQP 0-9-1, 4.2.5.5)."""
MAX_SHORT_STRING: Final = 255
"""Bytes in a routing key or an exchange name (AMQP 0-9-1, 4.2.5.3)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Hold what is published, in the form the wire takes."""

    body: bytes
    routing_key: str
    exchange: str
    properties: Basic.Properties
    mandatory: bool

    def __str__(self) -> str:
        return f"exchange {self.exchange!r}, routing key {self.routing_key!r}"


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
    _check_destination(routing_key, exchange)
    is_bytes = isinstance(body, bytes | bytearray | memoryview)
    return Outgoing(
        body=bytes(body) if is_bytes else _json(body),
        routing_key=routing_key,
        exchange=exchange,
        properties=_properties(headers, properties, BYTES if is_bytes else JSON),
        mandatory=mandatory,
    )


def _check_destination(routing_key: str, exchange: str) -> None:
    for name, value in (("routing_key", routing_key), ("exchange", exchange)):
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a string, got {value!r}")
        if len(value.encode()) > MAX_SHORT_STRING:
            raise ConfigurationError(f"{name} is longer than {MAX_SHORT_STRING} bytes: {value!r}")
    if not routing_key and not exchange:
        raise ConfigurationError("put() needs routing_key= (a queue's name), exchange= or both")


def _json(body: Any) -> bytes:
    try:
        return to_json(body, inf_nan_mode="null")
    except ValueError as error:
        raise NotSerializable(f"body has no JSON form: {error}") from error


def _properties(
    headers: Mapping[str, Any] | None, given: Mapping[str, Any] | None, content_type: str
) -> Basic.Properties:
    """Return the properties of AMQP 0-9-1 (1.8.1), proven to have a form on the wire."""
    values = {"content_type": content_type, "delivery_mode": PERSISTENT, **(given or {})}
    if headers is not None:
        values["headers"] = {**values.get("headers", {}), **headers}
    for name in values:
        if name not in Basic.Properties.attributes():
            hint = suggestion(name, Basic.Properties.attributes())
            raise ConfigurationError(f"properties take no {name!r}: {hint}")
    try:
        _check_header_names(values.get("headers", {}))
        properties = Basic.Properties(**values)
        ContentHeader(properties=properties).marshal()
    except (PAMQPException, struct.error, TypeError, ValueError, OverflowError) as error:
        raise NotSerializable(f"headers or properties have no AMQP form: {error}") from error
    return properties


def _check_header_names(headers: Mapping[str, Any]) -> None:
    for name in headers:
        if not isinstance(name, str) or len(name) > MAX_FIELD_NAME:
            raise ValueError(f"a header's name is a string of up to {MAX_FIELD_NAME}, not {name!r}")
