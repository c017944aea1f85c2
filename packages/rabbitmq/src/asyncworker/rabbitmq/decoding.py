"""From a delivery to its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from asyncworker.codecs import by_content_type, json, raw
from asyncworker.codecs.content_encoding import undone
from asyncworker.codecs.content_type import content_type
from asyncworker.codecs.declared import ANYTHING, declared_type, typed
from asyncworker.codecs.problems import raised
from asyncworker.errors import Invalid
from asyncworker.rabbitmq.amqp.properties import CONTENT_ENCODING, CONTENT_TYPE, short_string
from asyncworker.rabbitmq.settings import RabbitMQSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.codecs.codec import Codec
    from asyncworker.rabbitmq.message import RabbitMQMessage

TYPE_ALONE: Final = CONTENT_TYPE >> 8
ENCODED: Final = CONTENT_ENCODING >> 8
"""In the first octet of the properties' flags."""
AS_PUT: Final = b"\x90\x80\x10application/json"
"""How properties begin that `put()` writes."""
MOST_KNOWN: Final = 100
"""Content types that are remembered."""


class Decoder:
    """Decode the bodies of one route.

    declared: their type; object for none. checks: what else is asked for of a message; each of them
    raises Invalid.
    Raises: ConfigurationError, for what is no type of data.
    """

    def __init__(
        self,
        codec: Codec,
        declared: Any = object,
        checks: tuple[Callable[[RabbitMQMessage], Any], ...] = (),
    ) -> None:
        self._decode = typed(codec, declared)
        self._checks = checks
        self._is_raw = codec is raw.codec
        self._is_always_json = codec is json.codec
        self._limit = 0
        self._known: dict[bytes, bool] = {}
        of_json = None if checks else _of_json(codec, declared)
        self.of_json: Callable[[bytes], Any] = of_json or bytes
        """What takes the bytes of a body alone, where its properties begin as `usual`, or with an
        octet less than `below`: nearly all are JSON, and say so or nothing. Where it raises
        something else than Invalid, the Decoder itself is to be asked."""
        self.usual = None if of_json is None else AS_PUT
        """The flags and the content type of what was JSON last; None if nothing is."""
        self.below = 0 if of_json is None else ENCODED

    def __call__(self, message: RabbitMQMessage) -> Any:
        """Return the body of a message that was delivered and has all else.

        Raises: Invalid
        """
        for check in self._checks:
            check(message)
        try:
            if self.below and self._is_json(message.content[2]):
                return self.of_json(message.raw_body)
        except Invalid:
            raise
        except Exception:  # noqa: BLE001, S110 (below it may be read, or found out what is wrong)
            pass
        try:
            return self._decode(self._without_encoding(message), message)
        except Invalid:
            raise
        except Exception as error:  # noqa: BLE001 (codecs and validators of users)
            raise raised(error) from None

    def _is_json(self, properties: bytes) -> bool:
        """Tell whether a body is JSON in UTF-8, by properties that are not decoded."""
        if properties[0] & (TYPE_ALONE | ENCODED) != TYPE_ALONE:
            return not properties[0] & ENCODED
        said = properties[2 : 3 + properties[2]]
        known = self._known.get(said)
        if known is None:
            found = content_type(short_string(said, 0)[0])
            is_json = found.is_json or self._is_always_json
            known = is_json and found.charset in {None, "ascii", "utf_8"}
            if len(self._known) < MOST_KNOWN:
                self._known[said] = known
        if known:
            self.usual = properties[:2] + said
        return known

    def _without_encoding(self, message: RabbitMQMessage) -> bytes:
        if self._is_raw or not message.content[2][0] & ENCODED:
            return message.raw_body
        self._limit = self._limit or RabbitMQSettings.load().body_limit
        return undone(message.raw_body, message.content_encoding or "", self._limit)


def _of_json(codec: Codec, declared: Any) -> Callable[[bytes], Any] | None:
    if codec not in (by_content_type.codec, json.codec) or declared is bytes:
        return None
    return from_json if declared in ANYTHING else declared_type(declared).from_json
