"""Answer: what came back to a question."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs import raw
from asyncworker.codecs.content_encoding import undone
from asyncworker.codecs.problems import raised
from asyncworker.errors import Invalid
from asyncworker.rabbitmq.amqp.properties import read_headers, read_others, read_properties
from asyncworker.rabbitmq.asking.failure import ERROR, failed
from asyncworker.rabbitmq.errors import AskFailed
from asyncworker.rabbitmq.settings import RabbitMQSettings

if TYPE_CHECKING:
    from datetime import datetime

    from asyncworker.codecs import Codec
    from asyncworker.rabbitmq.asking.question import Question
    from asyncworker.rabbitmq.wire.content_reader import Content

OTHERS: Final = ("content_encoding", "type", "app_id", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what came back to a question.

    body: what it was decoded to, by the codec of the connection. raw_body: its bytes, as they came.
    headers, message_id, content_type, content_encoding, type, app_id, timestamp: those of AMQP
    0-9-1 (1.8.1); None when it has no such property. timestamp: an aware datetime, to the second.
    """

    body: Any
    raw_body: bytes = field(default=b"", repr=False)
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    type: str | None = None
    app_id: str | None = None
    timestamp: datetime | None = None


def answer_of(question: Question, codec: Codec) -> Answer:
    """Return what came back to a question.

    Raises: AskFailed, when it says that the question failed, or cannot be read.
    """
    answer = _undecoded(question.answer)
    if ERROR in answer.headers:
        raise failed(question, answer.headers[ERROR], answer.raw_body)
    try:
        return replace(answer, body=_body(answer, codec))
    except Invalid as invalid:
        raise AskFailed(f"{question}: the answer cannot be read: {invalid}") from None


def _undecoded(content: Content) -> Answer:
    _, _, properties, raw_body = content
    content_type, headers, message_id = read_properties(properties)
    others = read_others(properties)
    return Answer(
        body=None,
        raw_body=raw_body,
        headers=read_headers(headers),
        message_id=message_id,
        content_type=content_type,
        **{name: others[name] for name in OTHERS},
    )


def _body(answer: Answer, codec: Codec) -> Any:
    try:
        body = answer.raw_body
        if answer.content_encoding and codec is not raw.codec:
            body = undone(body, answer.content_encoding, RabbitMQSettings.load().body_limit)
        return codec.decode(body, answer)
    except Invalid:
        raise
    except Exception as error:  # noqa: BLE001 (codecs of users)
        raise raised(error) from None
