"""Which dead letters are meant."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_count, is_number

if TYPE_CHECKING:
    from datetime import datetime

    from asyncworker.rabbitmq.dead.letter import DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Choose dead letters.

    error: a pattern of their error, as `OSError*`. older: seconds since their end, the fewest.
    limit: how many, the most. None is for any.
    Raises: ConfigurationError
    """

    error: str | None = None
    older: float | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.error is not None and (not isinstance(self.error, str) or not self.error):
            raise ConfigurationError(f"error must be a pattern as 'OSError*', got {self.error!r}")
        if self.older is not None and not (is_number(self.older) and self.older > 0):
            reason = f"must be a number of seconds above 0, got {self.older!r}"
            raise ConfigurationError(f"older {reason}")
        if self.limit is not None:
            checked_count("limit", self.limit)

    @property
    def is_all(self) -> bool:
        """Tell whether any dead letter will do."""
        return self.error is None and self.older is None

    def takes(self, letter: DeadLetter, now: datetime) -> bool:
        """Tell whether a dead letter is meant. What has no error or age is not, if one is asked."""
        is_like = self.error is None or (
            letter.error is not None and fnmatchcase(letter.error, self.error)
        )
        if not is_like or self.older is None:
            return is_like
        age = letter.age(now)
        return age is not None and age >= self.older
