"""What a publisher is told of a message that the broker has not, or not for certain."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import ChannelNotFoundEntity

from asyncworker.rabbitmq.errors import (
    BrokerError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
    is_refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.wire.outgoing import Outgoing

TOO_LARGE: Final = re.compile(r"message size (\d+) .*larger than .*max size (\d+)")
SMALLER: Final = (
    "the body has {0} bytes, this broker takes {1} at most: "
    "raise max_message_size in its rabbitmq.conf, or send less"
)


def too_late(message: Outgoing, timeout: float, reason: str | None) -> PublishTimeout:
    """Return how a deadline passed. reason: why nothing was sent, or None if it was."""
    if reason is None:
        return PublishTimeout(
            f"no confirm within {timeout:g} s for {message}: "
            "it is unknown whether the broker has the message"
        )
    return PublishTimeout(f"not published within {timeout:g} s to {message}: {reason}")


@contextmanager
def refusals(message: Outgoing) -> Iterator[None]:
    """Raise what the broker's refusal means to a publisher; let other failures of it pass."""
    try:
        yield
    except BrokerError as error:
        if not is_refused(error):
            raise
        cause = error.__cause__
        if isinstance(cause, ChannelNotFoundEntity):
            raise Unroutable(f"{message}: {error}") from cause
        found = TOO_LARGE.search(str(error))
        reason = SMALLER.format(*found.groups()) if found else error
        raise PublishRejected(f"{message}: {reason}") from cause
