"""The kinds of route, a registry that installed backends extend."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from asyncworker.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

__all__ = ["RouteType", "RouteTypeRegistry", "RouteTypes"]

ENTRY_POINT_GROUP: Final = "asyncworker.backends"


@dataclass(frozen=True, slots=True, repr=False)
class RouteType:
    """Name one kind of route; equal by name, so it serves as a dict key."""

    name: str

    @property
    def value(self) -> str:
        """Return the name in lower case, as `RouteTypes(value)` takes it."""
        return self.name.lower()

    def __repr__(self) -> str:
        return f"RouteTypes.{self.name}"


class RouteTypeRegistry:
    """Hold every `RouteType`: this project's own, and those that installed backends publish.

    `RouteTypes.SSE`, `RouteTypes("sse")`, `"sse" in RouteTypes` and iteration all work.
    """

    AMQP_RABBITMQ: Final = RouteType("AMQP_RABBITMQ")
    HTTP: Final = RouteType("HTTP")
    SSE: Final = RouteType("SSE")

    def __iter__(self) -> Iterator[RouteType]:
        return iter(self._members().values())

    def __len__(self) -> int:
        return len(self._members())

    def __contains__(self, item: object) -> bool:
        value = item.value if isinstance(item, RouteType) else item
        return isinstance(value, str) and self._named(value) is not None

    def __call__(self, value: str | RouteType) -> RouteType:
        """Return the member of that value.

        Raises: ConfigurationError, when there is none.
        """
        wanted = value.value if isinstance(value, RouteType) else value
        if not isinstance(wanted, str) or (member := self._named(wanted)) is None:
            choices = map(repr, self)
            raise ConfigurationError(f"unknown route type {value!r}: {suggestion(value, choices)}")
        return member

    # Hidden from type checkers, so that they still catch a misspelt member.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> RouteType:
            try:
                return self._members()[name.lower()]
            except KeyError:
                choices = (member.name for member in self)
                reason = f"RouteTypes has no member {name!r}: {suggestion(name, choices)}"
                raise AttributeError(reason) from None

    def __repr__(self) -> str:
        return f"RouteTypes({', '.join(member.name for member in self)})"

    def _named(self, value: str) -> RouteType | None:
        # To look for what is installed takes milliseconds for each distribution: not for our own.
        own = {member.value: member for member in self._own()}
        return own.get(value) or self._members().get(value)

    def _own(self) -> tuple[RouteType, ...]:
        return self.AMQP_RABBITMQ, self.HTTP, self.SSE

    def _members(self) -> dict[str, RouteType]:
        published = (RouteType(entry_point.name) for entry_point in backend_entry_points())
        members: dict[str, RouteType] = {}
        for member in (*self._own(), *published):
            members.setdefault(member.value, member)
        return members


def backend_entry_points() -> tuple[EntryPoint, ...]:
    """Return the entry points by which installed backends announce themselves."""
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


RouteTypes: Final = RouteTypeRegistry()
"""All types of route: `RouteTypes.AMQP_RABBITMQ`, `RouteTypes.HTTP`, `RouteTypes.SSE`, and those
that other backends publish. `RouteTypes("sse")`, `"sse" in RouteTypes` and iteration work too."""
