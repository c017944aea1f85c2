"""Every exception of this backend, and what the library's own mean."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import ChannelClosed

from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.publishing.message import Message

_CLOSED_ON_PURPOSE: Final = (None, None)


class BrokerError(AsyncWorkerError):
    """Report that the broker, or the way to it, failed for now."""


class TopologyMismatch(BrokerError):
    """Report a queue or an exchange that cannot be declared as the route wants it."""


class PublishError(AsyncWorkerError):
    """Report a message that was not published, or not for certain.

    message: the one of `put_many()` that it is about; None from `put()`.
    """

    message: Message | None = None


class NotSerializable(PublishError, TypeError):
    """Report a body or headers that have no form on the wire."""


class Unroutable(PublishError):
    """Report a message for which the broker found no exchange or no queue."""


class PublishRejected(PublishError):
    """Report a message that the broker refused to take."""


def refusal(message: object) -> PublishRejected:
    """Return what a Basic.Nack means."""
    return PublishRejected(f"{message}: the broker refuses it, as a full queue does")


class PublishTimeout(PublishError, TimeoutError):
    """Report a message that was not confirmed in time; it says whether the outcome is known."""


class AskFailed(AsyncWorkerError):
    """Report a question that got no answer, or one that says why there is none.

    type, message: of the exception that the other side raised; None when it is not known to have
    raised any.
    """

    type: str | None
    message: str | None

    def __init__(self, text: str, *, type: str | None = None, message: str | None = None) -> None:
        super().__init__(text)
        self.type = type
        self.message = message


class AskTimeout(AskFailed, TimeoutError):
    """Report a question that was not answered in time."""


@contextmanager
def broker_errors() -> Iterator[None]:
    """Raise BrokerError for whatever the library raises when the broker goes away.

    The library confuses cancellations. It cancels callers whose connection is lost, which must not
    pass for a cancellation by the task's owner, or the task would end and nobody would know. And
    it answers a cancellation with whatever came at the same moment, a result or an error, which
    must not pass for that alone, or the task would go on for ever.
    """
    before = _cancellations()
    try:
        yield
    except asyncio.CancelledError:
        if _cancellations() > before:
            raise
        raise BrokerError("the connection was lost") from None
    except Exception as error:
        # Only calls of the library stand in such a block. What waits as a connection ends is told
        # so by a RuntimeError, or by a bare Exception.
        if _cancellations() > before:
            raise asyncio.CancelledError from error
        raise BrokerError(reason_of(error)) from error
    if _cancellations() > before:
        raise asyncio.CancelledError


def _cancellations() -> int:
    """Return how often the owner of the running task has cancelled it."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def is_refused(error: BrokerError) -> bool:
    """Tell what the broker refuses from what it did not come to.

    A channel that was closed on purpose is to the library one that the broker closed, without a
    code and a reason; so is another one that is given its number before the answer to that close.
    """
    cause = error.__cause__
    return isinstance(cause, ChannelClosed) and cause.args != _CLOSED_ON_PURPOSE


def reason_of(error: BaseException) -> str:
    """Return what happened in the broker's own words, if it said any."""
    if error.args == _CLOSED_ON_PURPOSE:
        return "the channel was closed"
    words = [arg for arg in error.args if isinstance(arg, str)]
    return words[0] if words else repr(error)
