"""What one replica does, and in what time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Worker:
    """Hold what is known of a replica.

    awaited: seconds that a handler waits for something else. cpu: seconds of CPU that a message
    takes beside that. concurrency: how many handlers run at once. startup: seconds from the moment
    a replica is wanted until it takes messages. drain: seconds from the moment it is not wanted any
    more until it is gone; it takes nothing meanwhile.
    """

    awaited: float
    cpu: float
    concurrency: int
    startup: int = 0
    drain: int = 0

    @property
    def service(self) -> float:
        """Return the seconds from the call of a handler to its end."""
        return self.awaited + self.cpu

    @property
    def rate(self) -> float:
        """Return the most messages a second.

        By Little's law `concurrency / service`, as long as one process has CPU time for them.
        """
        return min(self.concurrency / self.service, 1 / self.cpu)

    def value(self, seconds: float) -> int:
        """Return what it works off in so many seconds: KEDA's `value` for one replica."""
        return round(self.rate * seconds)
