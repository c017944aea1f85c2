"""A rate that the consumers of a queue share, without a store."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.intake.throttle import Throttle
    from asyncworker.rabbitmq.consuming.availability import Availability
    from asyncworker.rabbitmq.message import RabbitMQMessage

INTERVAL: Final = 5.0
"""Seconds between two looks at how many consumers there are."""


async def keep_share(
    throttle: Throttle[RabbitMQMessage], availability: Availability, queues: Sequence[str]
) -> None:
    """Ask from time to time how many consume the same queues, and go on at a part of the rate."""
    while True:
        counts = []
        for queue in queues:
            # Of what cannot be asked for, what was known last is the best guess.
            with suppress(BrokerError):
                counts.append(await availability.consumers(queue))
        if counts:
            throttle.share(max(counts))
        await asyncio.sleep(INTERVAL)
