"""Questions to one vhost: any number at once, over the connection that publishes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.asking.ask_channel import AskChannel
from asyncworker.rabbitmq.errors import AskFailed, AskTimeout, PublishTimeout
from asyncworker.rabbitmq.publishing.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.rabbitmq.asking.question import Question
    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.publishing.publisher import Expected


class Asker:
    """Ask on one channel, and open the next when that is lost.

    What the broker had not confirmed is then asked again, as `Publisher` publishes again. What it
    had confirmed fails: asked again it might be done twice.

    link: that of what publishes, which closes it. expected: the queues that are declared first.
    """

    def __init__(self, link: Link, expected: Sequence[Expected] = ()) -> None:
        self._link = link
        self._publisher = Publisher(link, expected, self._open)
        self._is_closed = False
        self._asking: set[asyncio.Timeout] = set()

    async def ask(self, question: Question, timeout: float) -> None:
        """Publish a question, and return when it has its answer.

        timeout: seconds for all of it.
        Raises: AskFailed, AskTimeout, Unroutable, PublishRejected, NotSerializable
        """
        limit = asyncio.timeout(timeout)
        self._asking.add(limit)
        try:
            async with limit:
                await self._publisher.publish(question, timeout)
        except (PublishTimeout, TimeoutError):
            if not question.is_answered:
                raise self._given_up(question, timeout) from None
        finally:
            self._asking.discard(limit)

    def close(self) -> None:
        """End what is asked; the channel ends with the link."""
        self._is_closed = True
        now = asyncio.get_running_loop().time()
        for limit in self._asking:
            # One that has just passed can be moved no more.
            if not limit.expired():
                limit.reschedule(now)

    async def _open(self) -> Any:
        """Return a channel, all of one for `Publisher` that it uses.

        Raises: BrokerError
        """
        return await AskChannel.on(await self._link.open_channel(confirms=True))

    def _given_up(self, question: Question, timeout: float) -> AskFailed:
        if self._is_closed:
            return AskFailed(f"{question}: the connection was closed before the answer came")
        if question.is_confirmed:
            return AskTimeout(f"no answer within {timeout:g} s to {question}")
        if question.is_sent:
            return AskTimeout(
                f"neither a confirm nor an answer within {timeout:g} s to {question}: "
                "it is unknown whether the broker has it"
            )
        problem = self._link.problem or "the broker opened no channel"
        return AskTimeout(f"not asked within {timeout:g} s: {question}: {problem}")
