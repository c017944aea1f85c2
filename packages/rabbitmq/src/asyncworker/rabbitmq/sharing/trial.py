"""What would keep a process from sharing shards, found out without sharing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pamqp.commands import Exchange

from asyncworker.rabbitmq.amqp.methods import ExchangeDeclare, QueueDeclare, call
from asyncworker.rabbitmq.declaring.mismatch import explained
from asyncworker.rabbitmq.errors import BrokerError, TopologyMismatch, broker_errors, is_refused
from asyncworker.rabbitmq.shards import CONSISTENT_HASH, LOCKS

if TYPE_CHECKING:
    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.shards import Shards

TRIAL: Final = f"{LOCKS}check"
"""What an exchange and a queue are called that are declared and go at once."""


async def problem_of(shards: Shards, link: Link) -> str | None:
    """Return why shards cannot be had by this user of this broker, if anything; nothing stays.

    Raises: BrokerError, when the connection is lost meanwhile.
    """
    try:
        async with link.aside() as aside, aside.channel() as channel:
            with explained("exchange", shards.exchange_name), broker_errors():
                hashing = ExchangeDeclare(
                    exchange=TRIAL, exchange_type=CONSISTENT_HASH, auto_delete=True
                )
                await call(channel.underlay, hashing)
                await call(channel.underlay, Exchange.Delete(exchange=TRIAL))
            with broker_errors():
                await call(channel.underlay, QueueDeclare(queue=TRIAL, exclusive=True))
    except TopologyMismatch as error:
        return str(error)
    except BrokerError as error:
        if is_refused(error):
            return f"{error}: whoever shares shards needs configure access to {LOCKS}*"
        raise
    return None
