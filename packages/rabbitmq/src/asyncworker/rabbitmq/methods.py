"""Methods of AMQP 0-9-1 as the library has them, whose names it does not judge.

It takes few characters for the name of a queue or an exchange. The broker takes nearly all, so that
any client may have made a queue `jobs;v2`, or sent through an exchange `año`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pamqp import commands

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, ConsumerCallback
    from pamqp.base import Frame


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


class ExchangeDeclare(_AnyName, commands.Exchange.Declare):
    """Stand for Exchange.Declare."""


async def call(channel: AbstractChannel, method: Frame) -> None:
    """Send a method, and wait for the answer, if there is to be one."""
    library: Any = channel
    await library.rpc(method)


async def consume(
    channel: AbstractChannel, queue: str, take: ConsumerCallback, *, nowait: bool = False
) -> None:
    """Consume a queue, whose name is the consumer tag as well.

    nowait: whether the broker is to send no answer.
    """
    library: Any = channel
    # It answers the broker's own cancel of those alone that it knows.
    library.consumers[queue] = take
    await call(channel, Consume(queue=queue, consumer_tag=queue, nowait=nowait))
