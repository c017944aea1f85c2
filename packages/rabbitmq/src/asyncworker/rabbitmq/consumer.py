"""Consumer: in what way a route consumes its queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_arguments, checked_flag, checked_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 2**31 - 1
"""The highest priority, in the 32 bits of the protocol; the lowest is as much less than 0."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Say in what way a route consumes its queues.

    priority: one of a higher priority gets messages before others do, as long as it has room.
    exclusive: whether no other may consume the queue; while another one does, the route waits.
    timeout: seconds that a message may stay unsettled before the broker delivers it again: of
    quorum queues, since RabbitMQ 4.3. arguments: whatever else the broker knows.
    Raises: ConfigurationError
    """

    priority: int = 0
    exclusive: bool = False
    timeout: float | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if type(self.priority) is not int or abs(self.priority) > MOST:
            reason = f"priority must be an int from -{MOST} to {MOST}, got {self.priority!r}"
            raise ConfigurationError(f"Consumer: {reason}")
        checked_flag("Consumer", "exclusive", self.exclusive)
        if self.timeout is not None:
            checked_seconds("Consumer: timeout", self.timeout)
        checked = checked_arguments("Consumer", self.arguments, self._own_arguments())
        object.__setattr__(self, "arguments", checked)

    @property
    def said(self) -> dict[str, Any]:
        """Return what Basic.Consume says of it."""
        arguments = {**self.arguments, **self._own_arguments()}
        return {"exclusive": self.exclusive, "arguments": arguments}

    def _own_arguments(self) -> dict[str, Any]:
        own: dict[str, Any] = {"x-priority": self.priority} if self.priority else {}
        if self.timeout is not None:
            own["x-consumer-timeout"] = round(self.timeout * 1000)
        return own


SHARED: Final = Consumer()
"""One of several, all alike."""
