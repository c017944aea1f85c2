"""Reading x-arguments, and refusing what they cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.sameness import type_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reader:
    """Read arguments by their names.

    subject: `queue 'name' in vhost 'name'`. All raise Refused.
    """

    def __init__(self, arguments: Mapping[str, Any], subject: str) -> None:
        self._arguments = arguments
        self._subject = subject

    def invalid(self, name: str, reason: str) -> Refused:
        """Return the answer to who gives what cannot be."""
        return Refused(406, f"invalid arg '{name}' for {self._subject}: {reason}")

    def raw(self, name: str) -> Any:
        """Return a value, or None."""
        return self._arguments.get(name)

    def loose(self, name: str) -> int | None:
        """Return a whole number; anything else counts as not said."""
        value = self.raw(name)
        return value if type(value) is int else None

    def whole(self, name: str, least: int | None = None, most: int | None = None) -> int | None:
        """Return a whole number."""
        value = self.raw(name)
        if value is None:
            return None
        if type(value) is not int:
            raise self.invalid(name, f'"expected integer, got {type_of(value)}"')
        if least is not None and value < least:
            raise self.invalid(name, f"{{value_{'zero' if value == 0 else 'negative'},{value}}}")
        if most is not None and value > most:
            raise self.invalid(name, f"{{max_value_exceeded,{value}}}")
        return value

    def seconds(self, name: str, least: int) -> float | None:
        """Return milliseconds, as seconds."""
        value = self.whole(name, least)
        return None if value is None else value / 1000

    def flag(self, name: str) -> bool:
        """Return whether something is wanted."""
        value = self.raw(name)
        if not isinstance(value, bool | None):
            raise self.invalid(name, f"{{unacceptable_type,{type_of(value)}}}")
        return bool(value)

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self.raw(name)
        if not isinstance(value, str | None):
            raise self.invalid(name, "expected a string")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> str | None:
        """Return one of several texts."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise self.invalid(name, f"{value!r} is none of {', '.join(choices)}")
        return value
