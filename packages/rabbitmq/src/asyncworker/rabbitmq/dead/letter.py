"""A dead letter: what its headers tell of its end, whoever wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.codecs import by_content_type
from asyncworker.codecs.content_encoding import undone
from asyncworker.errors import Invalid
from asyncworker.rabbitmq.amqp.properties import (
    HEADERS,
    read_headers,
    read_others,
    read_properties,
    split_properties,
    value_of,
)
from asyncworker.rabbitmq.amqp.tables import read_table
from asyncworker.rabbitmq.retrying.attempts import ATTEMPT, EXCHANGE, PREFIX, ROUTING_KEY
from asyncworker.rabbitmq.settings import RabbitMQSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

DEATHS: Final = b"x-death"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Hold one message of a dead-letter queue, and what is known of its end.

    error: type and message of what its handler raised, as a worker wrote it; None for what the
    broker made a dead letter by itself. reason: the broker's own, as `expired` or `rejected`; None
    where a worker wrote the error. handler: its name. queue: the one that it was consumed from, or
    where it died. exchange, routing_key: those that it was published with.
    attempts: how often it was handled. first_failed_at, failed_at: aware datetimes, of the first
    failure and of the end. failed_at is its `timestamp` where nothing tells of an end.
    traceback: of the error, if a worker was told to keep it.
    raw_body: its bytes. message_id: that of AMQP. Whatever is unknown is None.
    """

    error: str | None = None
    reason: str | None = None
    handler: str | None = None
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    attempts: int | None = None
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None
    traceback: str | None = field(default=None, repr=False)
    message_id: str | None = None
    raw_body: bytes = field(default=b"", repr=False)
    properties: bytes = field(default=b"\0\0", repr=False)

    @property
    def headers(self) -> dict[str, Any]:
        """Return all its headers."""
        try:
            return read_headers(split_properties(self.properties).get(HEADERS, b""))
        except (ValueError, IndexError):
            return {}

    @property
    def body(self) -> Any:
        """Return the body as its content type says, or its bytes when it is not what that says."""
        try:
            said = _Said(
                read_properties(self.properties).content_type,
                read_others(self.properties)["content_encoding"],
            )
            body = self.raw_body
            if said.content_encoding:
                body = undone(body, said.content_encoding, RabbitMQSettings.load().body_limit)
            return by_content_type.codec.decode(body, said)
        except (Invalid, ValueError, IndexError):
            return self.raw_body

    def age(self, now: datetime) -> float | None:
        """Return the seconds since its end, None where that is unknown."""
        return None if self.failed_at is None else (now - self.failed_at).total_seconds()


class Death(NamedTuple):
    """Hold what the broker wrote of one death."""

    queue: str | None
    reason: str | None
    exchange: str | None
    routing_key: str | None
    time: datetime | None
    expiration: str | None


class _Said(NamedTuple):
    content_type: str | None
    content_encoding: str | None


def read_letter(properties: bytes, body: bytes) -> DeadLetter:
    """Return a message as a dead letter, whatever somebody may have written into it."""
    try:
        table = split_properties(properties).get(HEADERS, b"")
        message_id = read_properties(properties).message_id
        timestamp = read_others(properties)["timestamp"]
    except (ValueError, IndexError):
        return DeadLetter(raw_body=body, properties=properties)
    try:
        fields = read_table(table)
    except (ValueError, IndexError):
        fields = {}
    deaths = deaths_of(fields)
    death = deaths[0] if deaths else Death(None, None, None, None, None, None)
    error = _text(fields, PREFIX + b"error")
    address = address_of(fields, deaths) or (None, None)
    return DeadLetter(
        error=error,
        reason=death.reason if error is None else None,
        handler=_text(fields, PREFIX + b"handler"),
        queue=_text(fields, PREFIX + b"queue") or death.queue,
        exchange=address[0],
        routing_key=address[1],
        attempts=_number(fields, PREFIX + b"attempts") or _number(fields, ATTEMPT),
        first_failed_at=_moment(fields, PREFIX + b"first-failed-at"),
        failed_at=_moment(fields, PREFIX + b"failed-at") or death.time or timestamp,
        traceback=_text(fields, PREFIX + b"traceback"),
        message_id=message_id,
        raw_body=body,
        properties=properties,
    )


def deaths_of(fields: Mapping[bytes, bytes]) -> list[Death]:
    """Return what the broker wrote of deaths, the last one first."""
    written = value_of(fields[DEATHS]) if DEATHS in fields else None
    if not isinstance(written, list):
        return []
    return [_death(one) for one in written if isinstance(one, dict)]


def address_of(fields: Mapping[bytes, bytes], deaths: list[Death]) -> tuple[str, str] | None:
    """Return exchange and routing key that a message was first published with, if they are told."""
    exchange, routing_key = _text(fields, EXCHANGE), _text(fields, ROUTING_KEY)
    if exchange is not None and routing_key is not None:
        return exchange, routing_key
    if deaths and deaths[0].exchange is not None and deaths[0].routing_key is not None:
        return deaths[0].exchange, deaths[0].routing_key
    return None


def _death(written: dict[str, Any]) -> Death:
    texts = {name: value for name, value in written.items() if isinstance(value, str)}
    keys, time = written.get("routing-keys"), written.get("time")
    key = keys[0] if isinstance(keys, list) and keys else None
    return Death(
        texts.get("queue"),
        texts.get("reason"),
        texts.get("exchange"),
        key if isinstance(key, str) else None,
        _aware(time) if isinstance(time, datetime) else None,
        texts.get("original-expiration"),
    )


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = value_of(fields[name]) if name in fields else None
    return value if isinstance(value, str) else None


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = value_of(fields[name]) if name in fields else None
    return value if type(value) is int and value > 0 else None


def _moment(fields: Mapping[bytes, bytes], name: bytes) -> datetime | None:
    text = _text(fields, name)
    try:
        return None if text is None else _aware(datetime.fromisoformat(text))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
