"""The properties of a message that is published, as they are on the wire."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from datetime import UTC, datetime
from random import getrandbits
from time import time
from typing import TYPE_CHECKING, Any, Final

from pamqp import encode
from pamqp.commands import Basic

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.amqp import properties as flags
from asyncworker.rabbitmq.amqp.properties import join_properties
from asyncworker.rabbitmq.publishing.not_serializable import has_names, without_form

if TYPE_CHECKING:
    from collections.abc import Callable

JSON: Final = "application/json"
PERSISTENT: Final = 2
_JSON_HEADER: Final = (
    # The flags of content type, delivery mode, message id and timestamp; then these, up to the id.
    b"\x90\xc0" + bytes([len(JSON)]) + JSON.encode() + bytes([PERSISTENT, 32])
)


def header_of(
    headers: Mapping[str, Any] | None,
    properties: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
    content_type: str,
) -> bytes:
    """Return the properties of AMQP 0-9-1 (1.8.1) with their flags.

    A message without an id gets one, so that those who get it twice can know.
    properties: as they were given. keywords: others, checked, by the library's names.
    Raises: ConfigurationError, NotSerializable
    """
    if properties:
        return _by_library(headers, properties, keywords, content_type)
    if headers or keywords or content_type != JSON:
        return _packed(headers, keywords, content_type)
    return _JSON_HEADER + new_id() + now()


def json_headers() -> tuple[bytes, bytes]:
    """Return the properties of JSON about which nothing was given, but for a part of their ids.

    They are for messages that leave together: they have this moment, and ids that differ in the
    last eight digits alone, which stand between the two that are returned.
    """
    return _JSON_HEADER + new_id()[:-8], now()


def now() -> bytes:
    """Return this moment as a timestamp (4.2.5.4)."""
    return int(time()).to_bytes(8)


def new_id() -> bytes:
    """Return 32 digits that are no secret, but differ from all others, in forked processes too."""
    return hexlify(getrandbits(128).to_bytes(16))


def _packed(
    headers: Mapping[str, Any] | None, keywords: Mapping[str, Any], content_type: str
) -> bytes:
    """Pack what the library would take ten times as long for."""
    _check_mapping("headers", headers)
    table = dict(headers or {})
    values = {"content_type": content_type, **keywords}
    parts = {flags.DELIVERY_MODE: bytes([PERSISTENT]), flags.TIMESTAMP: now()}
    try:
        for name, value in values.items():
            flag, pack = _PACKED[name]
            parts[flag] = pack(value)
        if table:
            parts[flags.HEADERS] = encode.field_table(table)
    except Exception as error:
        # The library has no class for what it cannot encode.
        raise without_form({**values, "headers": table}) from error
    if not has_names(table):
        raise without_form({**values, "headers": table})
    if flags.MESSAGE_ID not in parts:
        parts[flags.MESSAGE_ID] = b"\x20" + new_id()
    return join_properties(parts)


def _short(text: str) -> bytes:
    packed = text.encode()
    return bytes((len(packed),)) + packed


def _octet(number: int) -> bytes:
    return bytes((number,))


def _moment(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(8)


_PACKED: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "content_type": (flags.CONTENT_TYPE, _short),
    "priority": (flags.PRIORITY, _octet),
    "correlation_id": (flags.CORRELATION_ID, _short),
    "reply_to": (flags.REPLY_TO, _short),
    "expiration": (flags.EXPIRATION, _short),
    "message_id": (flags.MESSAGE_ID, _short),
    "timestamp": (flags.TIMESTAMP, _moment),
    "message_type": (flags.TYPE, _short),
    "app_id": (flags.APP_ID, _short),
}


def _by_library(
    headers: Mapping[str, Any] | None,
    properties: Mapping[str, Any],
    keywords: Mapping[str, Any],
    content_type: str,
) -> bytes:
    """Have the library check and pack what was given by its names."""
    _check_mapping("headers", headers)
    _check_mapping("properties", properties)
    values = {
        "content_type": content_type,
        "delivery_mode": PERSISTENT,
        "timestamp": datetime.now(UTC),
        **properties,
        **keywords,
    }
    values["message_id"] = values.get("message_id") or new_id().decode()
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
        # The library has no class for what it cannot encode.
        raise without_form(values) from error
    raise without_form(values)


def _check_mapping(name: str, value: Any) -> None:
    if not isinstance(value, Mapping | None):
        raise ConfigurationError(f"{name} must be a dict, got {value!r}")
