"""What the feed is told of what is published."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import PublishRejected, PublishTimeout, Unroutable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from asyncworker.feed import Activity
    from asyncworker.feed.recording import Recording
    from asyncworker.rabbitmq.errors import PublishError

    Errors = list[PublishError | None]

CONFIRMED: Final = "confirmed"
FAILED: Final = "failed"
OUTCOMES: Final[dict[type[BaseException], str]] = {
    Unroutable: "unroutable",
    PublishRejected: "rejected",
    PublishTimeout: "timeout",
}
"""What is counted for each error; for another one `FAILED`."""


async def recorded(
    publishing: Awaitable[None], activity: Activity, recording: Recording, vhost: str
) -> None:
    """Publish one message, and note how long that took and what came of it."""
    with _noted(activity, recording, vhost, 1):
        await publishing


async def recorded_many(
    publishing: Awaitable[Errors], activity: Activity, recording: Recording, vhost: str, size: int
) -> Errors:
    """Publish so many messages together, and note the same of them."""
    with _noted(activity, recording, vhost, size) as errors:
        errors += await publishing
    return errors


@contextmanager
def _noted(
    activity: Activity, recording: Recording, vhost: str, size: int
) -> Iterator[list[PublishError | None]]:
    """Offer a list for what each message came to; left empty, all were confirmed."""
    worker = asyncio.current_task()
    recording.begin(worker, size)
    errors: list[PublishError | None] = []
    raised: BaseException | None = None
    try:
        yield errors
    except BaseException as error:
        raised = error
        raise
    finally:
        raised = raised or next(filter(None, errors), None)
        counts = Counter(map(_outcome, errors)) or {_outcome(raised): size}
        for outcome, number in counts.items():
            activity.count(vhost, outcome, number)
        activity.counted(raised)
        recording.end(worker)


def _outcome(error: BaseException | None) -> str:
    return CONFIRMED if error is None else OUTCOMES.get(type(error), FAILED)
