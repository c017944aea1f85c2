"""Once: what is to be done by one process among all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import TypeAlias

    Given: TypeAlias = "bool | str | Once"
    """What `once=` takes."""


@dataclass(frozen=True, slots=True)
class Once:
    """Have something done by one process among all: by the one that holds a lock.

    `once=True` stands for `Once()`, and `once="name"` for `Once("name")`.

    name: of the lock, which all apps share whose connections lead to the same vhost. When left out,
    the module and the name of the handler. What has the same name is done by the same process.
    connection: the connection that holds it, or its name; may be left out where an app has but one
    that can.
    Raises: ConfigurationError
    """

    name: str | None = None
    connection: str | Connection | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not (isinstance(self.name, str) and self.name):
            raise ConfigurationError(f"Once: name must be a non-empty string, got {self.name!r}")
        if not isinstance(self.connection, str | Connection | None):
            raise ConfigurationError(
                f"Once: connection must be a connection or its name, got {self.connection!r}"
            )


def checked_once(given: Given) -> Once | None:
    """Return what is wanted, None for nothing.

    Raises: ConfigurationError
    """
    if isinstance(given, bool):
        return Once() if given else None
    if isinstance(given, str) and given:
        return Once(given)
    if isinstance(given, Once):
        return given
    raise ConfigurationError(f"once must be True, the name of a lock or a Once, got {given!r}")
