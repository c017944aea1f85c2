"""Dead letters, as JSON for scripts."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncworker.rabbitmq.dead.groups import Summary
    from asyncworker.rabbitmq.dead.letter import DeadLetter
    from asyncworker.rabbitmq.dead.queue import DeadQueue
    from asyncworker.rabbitmq.dead.sweep import Progress


def text_of(value: Any) -> str:
    """Return JSON. Bytes are base64, times ISO 8601."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def of_summary(queue: DeadQueue, found: Summary) -> dict[str, Any]:
    """Return what is in a queue."""
    return {
        "queue": found.queue,
        "vhost": found.vhost,
        "sources": queue.sources,
        "count": found.count,
        "consumers": found.consumers,
        "oldest": found.oldest,
        "groups": [
            {"error": one.error, "reason": one.reason, "count": one.count, "oldest": one.oldest}
            for one in found.groups
        ],
    }


def of_letter(letter: DeadLetter) -> dict[str, Any]:
    """Return one dead letter; a body that is none as `body_base64`."""
    body = letter.body
    return {
        "message_id": letter.message_id,
        "error": letter.error,
        "reason": letter.reason,
        "handler": letter.handler,
        "queue": letter.queue,
        "exchange": letter.exchange,
        "routing_key": letter.routing_key,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "failed_at": letter.failed_at,
        "traceback": letter.traceback,
        "headers": letter.headers,
        **({"body_base64": body} if isinstance(body, bytes) else {"body": body}),
    }


def of_progress(queue: DeadQueue, progress: Progress, *, dry_run: bool) -> dict[str, Any]:
    """Return what was done."""
    return {
        "queue": queue.name,
        "vhost": queue.vhost,
        "dry_run": dry_run,
        "found": progress.found,
        "seen": progress.seen,
        "chosen": progress.chosen,
        "done": progress.done,
        "to": progress.to,
        "left": progress.left,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else repr(value)
