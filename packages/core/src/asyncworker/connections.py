"""Connections to what an App works with, and the classes that installed backends offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncworker.feed import Feed
    from asyncworker.rabbitmq.connection import AMQPConnection as AMQPConnection
    from asyncworker.route_types import RouteType
    from asyncworker.sse.connection import SSEConnection as SSEConnection
    from asyncworker.tracing.tracing import Tracing

__all__ = ["Connection", "Connections"]

ENTRY_POINT_GROUP: Final = "asyncworker.connections"

DISTRIBUTIONS: Final = {
    "AMQPConnection": "asyncworker-rabbitmq",
    "SSEConnection": "asyncworker-sse",
}

SCHEMES: Final = {
    **dict.fromkeys(("amqp", "amqps", "memory"), "AMQPConnection(url=...)"),
    **dict.fromkeys(("http", "https"), "SSEConnection(...)"),
}
"""How connections are written whose URLs begin so."""


class Connection:
    """Say where one kind of route finds its work.

    It opens nothing before it is used, and may be used on several event loops one after another.
    As an `async with` it closes what was opened meanwhile.

    name: by which a route chooses it, where an app has several.
    """

    route_type: ClassVar[RouteType]
    state_key: ClassVar[str | None] = None
    """The key under which an App offers the first connection of this class, beside `route_type`."""
    noisy_loggers: ClassVar[tuple[str, ...]] = ()
    """Loggers of libraries that repeat, at length, what this project logs in one line."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not (isinstance(name, str) and name):
            raise ConfigurationError(f"name must be a non-empty string, got {name!r}")
        self.name: str | None = name
        self.problems: dict[str, str] = {}
        """What keeps its routes from working now: what is affected, and why."""
        self.feed: Feed | None = None
        """What is told of it, as long as an app runs."""
        self.tracing: Tracing | None = None
        """What makes spans of what is done by it, as long as an app runs that wants some."""

    @contextmanager
    def told_to(self, feed: Feed, tracing: Tracing | None = None) -> Iterator[None]:
        """Tell what happens to it as long as a run lasts."""
        self.feed, self.tracing = feed, tracing
        try:
            yield
        finally:
            self.feed = self.tracing = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what is open; using the connection again opens it again."""


C = TypeVar("C", bound=Connection)


class Connections(Mapping[str, Connection]):
    """Hold the connections of an App: by name, and by the type of route they serve."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        if not isinstance(connections, Iterable):
            raise ConfigurationError(f"connections must be a list, got {connections!r}")
        given: Iterable[Any] = (connections,) if isinstance(connections, str) else connections
        self.all: tuple[Connection, ...] = tuple(given)
        self._named: dict[str, Connection] = {}
        for connection in self.all:
            self._admit(connection)

    def __getitem__(self, name: str) -> Connection:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def choose(self, kind: type[C], wanted: str | Connection | None) -> C:
        """Return the connection for a route: the one wanted, or else the only one of its kind.

        Raises: ConfigurationError, listing the choices.
        """
        choices = [one for one in self.all if isinstance(one, kind)]
        listed = ", ".join(one.name or repr(one) for one in choices) or "none"
        if wanted is not None:
            for one in choices:
                if wanted is one or wanted == one.name:
                    return one
            raise ConfigurationError(
                f"connection={_shown(wanted)} is no {kind.__name__} of this app, "
                f"which has: {listed}"
            )
        if len(choices) > 1:
            raise ConfigurationError(
                f"the app has several of {kind.__name__}, say which by connection=: {listed}"
            )
        if not choices:
            raise ConfigurationError(
                f"a {kind.route_type!r} route needs a connection: "
                f"App(connections=[{kind.__name__}(...)])"
            )
        return choices[0]

    def _admit(self, connection: Connection) -> None:
        if not isinstance(connection, Connection):
            wrong = f"{_shown(connection)}{_hint(connection)}"
            raise ConfigurationError(f"connections must hold connections, got {wrong}")
        if sum(connection is other for other in self.all) > 1:
            raise ConfigurationError(f"{connection!r} is in connections twice")
        if connection.name is None:
            return
        if connection.name in self._named:
            raise ConfigurationError(
                f"two connections are named {connection.name!r}: name them differently"
            )
        self._named[connection.name] = connection


def _shown(wrong: object) -> str:
    """Return what is no connection the way errors show it: a URL may hold a password."""
    return "a URL" if "://" in str(wrong) else repr(wrong)


def _hint(wrong: object) -> str:
    """Return how a connection to a URL is written."""
    written = SCHEMES.get(str(wrong).partition("://")[0].lower())
    return "" if written is None else f": write {written}"


def __getattr__(name: str) -> Any:
    """Return the connection class of that name from the distribution that publishes it."""
    for entry_point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        return entry_point.load()
    if name in DISTRIBUTIONS:
        distribution = DISTRIBUTIONS[name]
        raise ImportError(f"{name} is provided by {distribution}: pip install {distribution}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
