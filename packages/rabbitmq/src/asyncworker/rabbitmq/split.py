"""Split: find the message that made a batch fail."""

from __future__ import annotations

from dataclasses import dataclass

from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions
from asyncworker.rabbitmq.retry import Retry


@dataclass(frozen=True, slots=True)
class Split:
    """Have a batch that failed handled again in halves, until what fails stands alone.

    The good messages are acknowledged as ever. What has an outcome of its own is not handled again.
    To be split counts as no attempt.

    then: what is done with a message that fails alone: one of `Actions`, or a `Retry`.
    Raises: ConfigurationError
    """

    then: Actions | Retry = Actions.REJECT

    def __post_init__(self) -> None:
        if not isinstance(self.then, Actions | Retry):
            reason = f"then must be one of Actions or a Retry, got {self.then!r}"
            raise ConfigurationError(f"Split: {reason}")

    def __repr__(self) -> str:
        shown = f"Actions.{self.then.name}" if isinstance(self.then, Actions) else repr(self.then)
        return "Split()" if self.then is Actions.REJECT else f"Split(then={shown})"

    def outcome(self, raised: Exception) -> Actions | Retry:
        """Return what is done with a message whose handler raised this for it alone."""
        return self.then.outcome(raised) if isinstance(self.then, Retry) else self.then
