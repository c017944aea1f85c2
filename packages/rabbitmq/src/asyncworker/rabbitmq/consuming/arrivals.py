"""When the deliveries of a channel came, and how long ago they were published."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncworker.rabbitmq.message import RabbitMQMessage

MOST: Final = 1000
"""Moments that are remembered: of more, each second one is forgotten."""
MOST_SAMPLES: Final = 100
"""Messages at once of which the age is to be known when they are settled."""


class Arrivals:
    """Tell for how long deliveries are here, and how old they are when they are settled.

    Of the age, one message is asked in each interval of reading: it says what all do, and costs
    nothing that counts.
    """

    def __init__(self) -> None:
        self._last = 0
        self._moments: deque[tuple[int, float]] = deque()
        """The delivery tags up to which all had come, and when."""
        self._samples: list[tuple[int, float]] = []
        """Delivery tags, and when their messages were published."""
        self._wants_sample = True

    def note(self, number: int, messages: Sequence[RabbitMQMessage]) -> None:
        """Note that so many deliveries came now, of which these can be handled."""
        self._last += number
        self._moments.append((self._last, time.monotonic()))
        if len(self._moments) > MOST:
            self._moments = deque(list(self._moments)[::2])
        if self._wants_sample and messages:
            self._wants_sample = False
            self._sample(messages[-1])

    def oldest(self, lowest_open: int) -> float:
        """Return for how many seconds the lowest is here that is not settled; 0 if none is."""
        while self._moments and self._moments[0][0] < lowest_open:
            self._moments.popleft()
        return time.monotonic() - self._moments[0][1] if self._moments else 0.0

    def ages(self, is_settled: Callable[[int], bool]) -> list[float]:
        """Return how many seconds ago messages were published that were settled since."""
        now = time.time()
        ages = [max(0.0, now - sent) for tag, sent in self._samples if is_settled(tag)]
        self._samples = [sample for sample in self._samples if not is_settled(sample[0])]
        self._wants_sample = len(self._samples) < MOST_SAMPLES
        return ages

    def _sample(self, message: RabbitMQMessage) -> None:
        sent = message.timestamp
        if sent is not None:
            self._samples.append((message.delivery_tag, sent.timestamp()))
