"""Answers of the broker to what one task has published and waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from asyncworker.rabbitmq.wire.outgoing import Outgoing


class Answer:
    """Give the answer to a message to a future.

    deadline: seconds, on the loop's clock.
    """

    __slots__ = ("_future", "_message", "deadline")

    def __init__(self, message: Outgoing, deadline: float, future: asyncio.Future[None]) -> None:
        self.deadline = deadline
        self._message = message
        self._future = future

    def message(self, number: int) -> Outgoing:
        """Return the message."""
        return self._message

    def confirm(self, count: int = 1) -> None:
        """Take a confirm."""
        if not self._future.done():
            self._future.set_result(None)

    def fail(self, number: int, error: Exception) -> None:
        """Take what came in place of a confirm."""
        if not self._future.done():
            self._future.set_exception(error)


class Answers:
    """Collect the answers to messages that were published in a row, behind one future.

    first: the number of the first message. deadline: seconds, on the loop's clock.
    errors: what each came to, in their order; None is a confirm.
    """

    __slots__ = ("_first", "_messages", "_missing", "all", "deadline", "errors")

    def __init__(
        self,
        messages: Sequence[Outgoing],
        first: int,
        deadline: float,
        future: asyncio.Future[None],
    ) -> None:
        self.deadline = deadline
        self.errors: list[Exception | None] = [None] * len(messages)
        self.all = future
        self._messages = messages
        self._first = first
        self._missing = len(messages)

    @property
    def numbers(self) -> range:
        """Return those of the messages."""
        return range(self._first, self._first + len(self._messages))

    def message(self, number: int) -> Outgoing:
        """Return the message that was published with a number."""
        return self._messages[number - self._first]

    def confirm(self, count: int = 1) -> None:
        """Take the confirms of so many of them."""
        self._missing -= count
        if not self._missing and not self.all.done():
            self.all.set_result(None)

    def fail(self, number: int, error: Exception) -> None:
        """Take what came in place of a confirm."""
        self.errors[number - self._first] = error
        self.confirm()
