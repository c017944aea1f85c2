"""What `app.route(options=...)` takes, and what it means when left out."""

from __future__ import annotations

from enum import EnumType, StrEnum, auto
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import suggestion
from asyncworker.route_types import RouteTypes

if TYPE_CHECKING:
    from asyncworker.handler_options import HandlerOptions as HandlerOptions
    from asyncworker.handler_options import RouteOptions as RouteOptions

__all__ = ["Actions", "DefaultValues", "Events", "Options", "RouteOptions", "RouteTypes"]


class Choices(EnumType):
    """Make enumerations that tell what they offer when a member is misspelt."""

    # Hidden from type checkers, so that they still catch a misspelt member.
    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            if name.startswith("_"):
                # Asked for while a class is made, too, when there are no members yet.
                reason = f"type object {cls.__name__!r} has no attribute {name!r}"
                raise AttributeError(reason)
            if name in cls.__members__:
                # Python 3.11 asks here for all of them.
                return cls.__members__[name]
            reason = f"{cls.__name__} has no member {name!r}: {suggestion(name, cls.__members__)}"
            raise AttributeError(reason)


class Options(StrEnum, metaclass=Choices):
    """Name what shapes the batches of a route, their order and pace, and how they are handled."""

    BULK_SIZE = auto()
    BULK_FLUSH_INTERVAL = auto()
    BULK_BY = auto()
    BULK_BYTES = auto()
    MAX_CONCURRENCY = auto()
    ORDER_BY = auto()
    ORDER_ON_FAILURE = auto()
    RATE = auto()
    TIMEOUT = auto()
    CODEC = auto()
    BREAKER = auto()


class Events(StrEnum, metaclass=Choices):
    """Name what can happen to the messages of a batch."""

    ON_SUCCESS = auto()
    ON_EXCEPTION = auto()
    ON_INVALID = auto()


class Actions(StrEnum, metaclass=Choices):
    """Name what is done with a message: confirm it, drop or dead-letter it, put it back."""

    ACK = auto()
    REJECT = auto()
    REQUEUE = auto()


class DefaultValues:
    """Hold what an option is when it is not given."""

    BULK_SIZE: Final = 1
    BULK_FLUSH_INTERVAL: Final = 60.0
    ON_SUCCESS: Final = Actions.ACK
    ON_EXCEPTION: Final = Actions.REQUEUE
    ON_INVALID: Final = Actions.REJECT


# Hidden from type checkers, so that they still catch a misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the classes that check options, whose library takes longer than all else."""
        if name in {"HandlerOptions", "RouteOptions"}:
            from asyncworker import handler_options

            return getattr(handler_options, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
