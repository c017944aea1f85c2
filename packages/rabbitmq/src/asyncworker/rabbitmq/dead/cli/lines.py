"""Dead letters, as lines for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asyncworker.plural import counted, lasting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.dead.groups import Group, Summary
    from asyncworker.rabbitmq.dead.letter import DeadLetter
    from asyncworker.rabbitmq.dead.queue import DeadQueue
    from asyncworker.rabbitmq.dead.sweep import Progress

WIDTH: Final = 200
"""Characters of a body, of headers and of an error."""
OF_THE_END: Final = ("x-asyncworker-", "x-death", "x-first-death-", "x-last-death-", "x-delivery-")


def of_summary(queue: DeadQueue, found: Summary) -> Iterator[str]:
    """Yield what is in a queue."""
    sources = f", from {', '.join(queue.sources)}" if queue.sources else ""
    subject = f"{queue.name}, vhost {queue.vhost!r}{sources}"
    if not found.count:
        yield f"{subject}: empty"
        return
    oldest = "" if found.oldest is None else f", the oldest {_age(found.oldest)} old"
    readers = f"; {counted(found.consumers, 'consumer')} there" if found.consumers else ""
    yield f"{subject}: {counted(found.count, 'dead letter')}{oldest}{readers}"
    width = len(str(found.groups[0].count))
    for group in found.groups:
        yield f"  {group.count:>{width}}  {cause(group)}"


def of_letter(number: int, letter: DeadLetter) -> Iterator[str]:
    """Yield one dead letter."""
    yield f"{number}. {clean(letter.message_id or 'without an id')}: {cause(letter)}"
    yield f"   {', '.join(_circumstances(letter))}"
    if letter.exchange is not None:
        yield f"   exchange {letter.exchange!r}, routing key {letter.routing_key!r}"
    own = {name: of for name, of in letter.headers.items() if not name.startswith(OF_THE_END)}
    if own:
        yield f"   headers {clean(repr(own))}"
    yield f"   body {shown_body(letter)}"
    if letter.traceback is not None:
        for line in letter.traceback.splitlines():
            yield f"   | {clean(line)}"


def of_end(done: str, queue: str, progress: Progress) -> Iterator[str]:
    """Yield what was done, and what stays and why. done: in one word."""
    targets = ", ".join(f"{count} to {queue}" for queue, count in progress.to.items())
    where = f" ({targets})" if targets else ""
    yield f"{done} {progress.done} of {counted(progress.found, 'dead letter')} in {queue}{where}"
    for reason, count in progress.left.items():
        yield f"left {count}: {clean(reason)}"


def of_trial(would: str, queue: str, progress: Progress) -> Iterator[str]:
    """Yield what would be done. would: in one word."""
    targets = ", ".join(f"{count} to {queue}" for queue, count in progress.to.items())
    where = f" ({targets})" if targets else ""
    count = progress.chosen - sum(progress.left.values())
    yield f"would {would} {count} of {counted(progress.found, 'dead letter')} in {queue}{where}"
    for reason, count in progress.left.items():
        yield f"would leave {count}: {clean(reason)}"


def cause(one: Group | DeadLetter) -> str:
    """Return why dead letters are dead."""
    if one.error is not None:
        return clean(one.error)
    return "no reason told" if one.reason is None else f"{clean(one.reason)} (by the broker)"


def shown_body(letter: DeadLetter) -> str:
    """Return the beginning of a body: what it says, or its bytes."""
    body: Any = letter.body
    if isinstance(body, bytes):
        return clean(repr(body[:WIDTH]))
    try:
        return clean(json.dumps(body, ensure_ascii=False, default=repr))
    except (TypeError, ValueError):
        return clean(repr(body))


def clean(text: str) -> str:
    """Return one short line that does to a terminal nothing but to be shown."""
    short = text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in short)


def _circumstances(letter: DeadLetter) -> Iterator[str]:
    if letter.handler is not None:
        yield f"handler {clean(letter.handler)}"
    yield "queue unknown" if letter.queue is None else f"queue {clean(letter.queue)}"
    if letter.attempts is not None:
        yield counted(letter.attempts, "attempt")
    if letter.failed_at is not None:
        yield f"{_age(letter.failed_at)} ago"
    if letter.first_failed_at is not None:
        yield f"first failed {_age(letter.first_failed_at)} ago"


def _age(moment: datetime) -> str:
    return lasting((datetime.now(UTC) - moment).total_seconds())
