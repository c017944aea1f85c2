"""The answer to a question that cannot be answered: which error, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from asyncworker.rabbitmq.errors import AskFailed
from asyncworker.rabbitmq.publishing.header import JSON
from asyncworker.rabbitmq.publishing.message import Message

if TYPE_CHECKING:
    from asyncworker.rabbitmq.asking.question import Question

ERROR: Final = "x-asyncworker-error"
"""The header that tells such an answer from others: the type of the error, and what it says."""


def failure_answer(text: str) -> Message:
    """Return such an answer. text: `Type: message`."""
    kind, message = _split(text)
    body = to_json({"type": kind, "message": message})
    return Message(body, headers={ERROR: text}, content_type=JSON)


def failed(question: Question, header: Any, body: bytes) -> AskFailed:
    """Return what to raise for such an answer, whatever is in it."""
    kind, message = _told(body) or _split(str(header))
    return AskFailed(f"{question}: {kind}: {message}", type=kind, message=message)


def _told(body: bytes) -> tuple[str, str] | None:
    try:
        told = from_json(body)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    kind, message = told.get("type"), told.get("message")
    return (kind, message) if isinstance(kind, str) and isinstance(message, str) else None


def _split(header: str) -> tuple[str, str]:
    kind, _, message = header.partition(": ")
    return kind, message
