"""Methods of AMQP 0-9-1 as the library has them, whose names it does not judge.

It takes few characters for the name of a queue or an exchange. The broker takes nearly all, so that
any client may have made a queue `jobs;v2`, or sent through an exchange `año`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiormq.exceptions import ChannelInvalidStateError
from pamqp import commands

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiormq.abc import AbstractChannel, ConsumerCallback
    from pamqp.base import Frame

REPLY_TO: Final = "amq.rabbitmq.reply-to"
"""Where a channel consumes the answers to what it publishes (https://www.rabbitmq.com/docs/direct-reply-to)."""


class _AnyName:
    def validate(self) -> None:
        """Leave it to the broker."""


class Consume(_AnyName, commands.Basic.Consume):
    """Stand for Basic.Consume."""


class Deliver(_AnyName, commands.Basic.Deliver):
    """Stand for Basic.Deliver."""


class GetOk(_AnyName, commands.Basic.GetOk):
    """Stand for Basic.GetOk."""


class Return(_AnyName, commands.Basic.Return):
    """Stand for Basic.Return."""


class QueueBind(_AnyName, commands.Queue.Bind):
    """Stand for Queue.Bind."""


class QueueDeclare(_AnyName, commands.Queue.Declare):
    """Stand for Queue.Declare."""


class QueueDeclareOk(_AnyName, commands.Queue.DeclareOk):
    """Stand for Queue.DeclareOk."""


class QueueDelete(_AnyName, commands.Queue.Delete):
    """Stand for Queue.Delete."""


class ExchangeBind(_AnyName, commands.Exchange.Bind):
    """Stand for Exchange.Bind (RabbitMQ's)."""


class ExchangeDeclare(_AnyName, commands.Exchange.Declare):
    """Stand for Exchange.Declare."""


async def call(channel: AbstractChannel, method: Frame) -> Any:
    """Send a method, and return the answer, if there is to be one."""
    library: Any = channel
    return await library.rpc(method)


async def call_all(channel: AbstractChannel, methods: Iterable[Frame]) -> None:
    """Send methods at once, and wait for the answer to the last one: they are done in order.

    Raises: what the broker refuses one of them with
    """
    *first, last = methods
    closing = channel.closing
    try:
        for method in first:
            no_answer: Any = method
            no_answer.nowait = True
            await call(channel, method)
        await call(channel, last)
    except ChannelInvalidStateError:
        # The broker may have closed the channel before all were sent, for a reason that it told.
        if closing.done() and not closing.cancelled() and (reason := closing.exception()):
            raise reason from None
        raise


async def consume(
    channel: AbstractChannel,
    queue: str,
    take: ConsumerCallback,
    *,
    nowait: bool = False,
    **how: Any,
) -> None:
    """Consume a queue, whose name is the consumer tag as well.

    nowait: whether the broker is to send no answer. how: whatever else Basic.Consume says.
    """
    library: Any = channel
    # It answers the broker's own cancel of those alone that it knows.
    library.consumers[queue] = take
    await call(channel, Consume(queue=queue, consumer_tag=queue, nowait=nowait, **how))


async def cancel(channel: AbstractChannel, queue: str) -> None:
    """End the consuming of a queue, and wait for no answer.

    The library's own way would drop what is under way to the consumer, and nobody would settle it.
    """
    await call(channel, commands.Basic.Cancel(consumer_tag=queue, nowait=True))
