"""What subscribers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.feed.activity import Activity, State


class BatchStarted(NamedTuple):
    """Tell that a handler was given something.

    size: messages or events; 1 for a request and for a run of a schedule. at: seconds since 1970.
    """

    activity: Activity
    size: int
    at: float


class BatchEnded(NamedTuple):
    """Tell that a handler is done with what it was given.

    size: as it began. started_at: seconds since 1970. seconds: how long that took.
    outcomes: how many came to which end since the batch before, by source and outcome; of what
    leaves by `publish_to` or waits for its retry it is known later. error: what was raised, in
    short.
    """

    activity: Activity
    size: int
    started_at: float
    seconds: float
    outcomes: Mapping[tuple[str, str], int]
    error: str | None


class SourceChanged(NamedTuple):
    """Tell that a queue, a stream or a server is worked on from now on, or is not any more.

    reason: why it is not. at: seconds since 1970.
    """

    activity: Activity
    source: str
    state: State
    reason: str | None
    at: float


class Connected(NamedTuple):
    """Tell that a connection is open.

    connection: its name, or where it leads, without a password.
    """

    connection: str
    at: float


class Disconnected(NamedTuple):
    """Tell that a connection was lost, and why; not that it was closed.

    connection: its name, or where it leads, without a password.
    """

    connection: str
    reason: str
    at: float


Event: TypeAlias = BatchStarted | BatchEnded | SourceChanged | Connected | Disconnected
