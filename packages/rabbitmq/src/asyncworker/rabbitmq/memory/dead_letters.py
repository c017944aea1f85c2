"""What becomes of a message that a queue drops (https://www.rabbitmq.com/docs/dlx)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.amqp.properties import EXPIRATION
from asyncworker.rabbitmq.memory.message import Message

if TYPE_CHECKING:
    from asyncworker.rabbitmq.memory.queue import Queue
    from asyncworker.rabbitmq.memory.storage import Entry

DEATHS: Final = "x-death"


def dead_letter(entry: Entry, queue: Queue, reason: str, exchange: str) -> Message:
    """Return what goes to the dead-letter exchange: the message, and the story of its deaths."""
    message = entry.message
    key = queue.rules.dead_letter_routing_key
    return Message(
        exchange=exchange,
        routing_key=message.routing_key if key is None else key,
        # It would expire again where it goes to.
        header=message.header_with(_headers(message, queue.name, reason), without={EXPIRATION}),
        body=message.body,
        failures=entry.failures,
    )


def is_cycle(message: Message, reason: str, target: str) -> bool:
    """Tell whether a dead letter comes to a queue that it was in, and nobody had rejected it."""
    if reason == "rejected":
        return False
    reasons = []
    for death in _deaths(message):
        reasons.append(death.get("reason"))
        if death.get("queue") == target:
            return "rejected" not in reasons
    return False


def _headers(message: Message, queue: str, reason: str) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    deaths = _deaths(message)
    for name, value in (("reason", reason), ("queue", queue), ("exchange", message.exchange)):
        if f"x-first-death-{name}" not in message.headers:
            headers[f"x-first-death-{name}"] = value
        headers[f"x-last-death-{name}"] = value
    death = next(
        (one for one in deaths if (one.get("queue"), one.get("reason")) == (queue, reason)), None
    )
    if death is None:
        first = _death(message, queue, reason)
    else:
        deaths.remove(death)
        count = death.get("count")
        first = {**death, "count": count + 1 if type(count) is int else 1}
    return headers | {DEATHS: [first, *deaths]}


def _death(message: Message, queue: str, reason: str) -> dict[str, Any]:
    expiration = message.text(EXPIRATION)
    return {
        "count": 1,
        "reason": reason,
        "queue": queue,
        "time": datetime.now(UTC),
        "exchange": message.exchange,
        "routing-keys": [message.routing_key],
        **({} if expiration is None else {"original-expiration": expiration}),
    }


def _deaths(message: Message) -> list[dict[str, Any]]:
    deaths = message.headers.get(DEATHS)
    return [one for one in deaths if isinstance(one, dict)] if isinstance(deaths, list) else []
