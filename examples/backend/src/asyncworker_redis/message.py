"""RedisMessage: what a handler is given."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from asyncworker.polling import PolledMessage

Body = TypeVar("Body")

BODY: Final = "body"
CONTENT_TYPE: Final = "content_type"
"""The fields of an entry that are no headers."""


class RedisMessage(PolledMessage[Body], Generic[Body]):
    """Hold an entry of a stream: its field `body`, and all others as headers."""

    __slots__ = ()


def message_of(
    stream: bytes | str, entry: tuple[bytes, dict[bytes, bytes]], *, redelivered: bool = False
) -> RedisMessage[Any]:
    """Return the message that an entry is, as the client has it."""
    number, fields = entry
    others = {name.decode(errors="replace"): value for name, value in fields.items()}
    raw_body = others.pop(BODY, b"")
    headers = {name: value.decode(errors="replace") for name, value in others.items()}
    return RedisMessage(
        name=stream if isinstance(stream, str) else stream.decode(),
        id=number.decode(),
        raw_body=raw_body,
        content_type=headers.pop(CONTENT_TYPE, None),
        headers=headers,
        redelivered=redelivered,
    )
