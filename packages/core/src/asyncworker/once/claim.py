"""Claim: the lock that a handler needs, and the connection that holds it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError
from asyncworker.once.lock import Lock, Locking
from asyncworker.once.once import checked_once
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from asyncworker.connections import Connection, Connections
    from asyncworker.once.once import Given, Once

MAIN: Final = "__main__"


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold the name of a lock, and the connection that holds it."""

    name: str
    connection: Connection

    def lock(self) -> AbstractAsyncContextManager[Lock]:
        """Strive for the lock while the context lasts.

        Raises: ConfigurationError, for a name that cannot be
        """
        connection: Any = self.connection
        lock: AbstractAsyncContextManager[Lock] = connection.lock(self.name)
        return lock


def claim_of(given: Given, connections: Connections, handler: Callable[..., Any]) -> Claim | None:
    """Return what a handler needs to run `once`, checked; None where it does not.

    Raises: ConfigurationError
    """
    once = checked_once(given)
    if once is None:
        return None
    name = stable_name(handler) if once.name is None else once.name
    claim = Claim(name, _chosen(once, connections))
    # A name that cannot be shows here.
    claim.lock()
    return claim


def stable_name(handler: Callable[..., Any]) -> str:
    """Return what a handler is called in each process of an app, however that was started."""
    function: Any = handler
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", None) or type(function).__module__
    return f"{_imported_as(module)}.{name_of(function)}"


def _imported_as(module: str) -> str:
    """Return the name of a module, of one that is run as a script that by which it is imported."""
    if module != MAIN:
        return module
    main: Any = sys.modules.get(MAIN)
    if (spec := getattr(main, "__spec__", None)) is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return module if file is None else Path(file).stem


def _chosen(once: Once, connections: Connections) -> Connection:
    able = [one for one in connections.all if isinstance(one, Locking)]
    listed = ", ".join(one.name or repr(one) for one in able) or "none"
    if once.connection is not None:
        for one in able:
            if once.connection is one or once.connection == one.name:
                return one
        shown = "a URL" if "://" in str(once.connection) else repr(once.connection)
        raise ConfigurationError(
            f"Once: connection={shown} is no connection of this app that holds locks, "
            f"which has: {listed}"
        )
    if len(able) > 1:
        raise ConfigurationError(
            "the app has several connections that hold locks, "
            f"say which by once=Once(connection=...): {listed}"
        )
    if not able:
        raise ConfigurationError(
            "once= needs a connection that holds its lock: App(connections=[AMQPConnection(...)])"
        )
    return able[0]
