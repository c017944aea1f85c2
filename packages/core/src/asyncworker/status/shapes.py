"""What a snapshot looks like, as Python and as JSON."""

from __future__ import annotations

from typing import TypedDict


class Place(TypedDict):
    """Say how it stands with a queue, a stream, a path, a timetable or a vhost.

    state: "starting", "working", "waiting", "paused", "standing by", "draining" or "ended"; None
    where messages are published to. reason: why it is so. since: seconds since 1970. outcomes: how
    many came to which end.
    """

    name: str
    state: str | None
    reason: str | None
    since: float | None
    outcomes: dict[str, int]


class Failure(TypedDict):
    """Say what was raised, in short, and when, in seconds since 1970."""

    text: str
    at: float


class Work(TypedDict):
    """Say what one handler does, or what is published by one connection.

    in_flight, waiting: messages, events or requests. oldest: seconds since the oldest came that is
    not settled. batches: those that ended. handled: how many were in them. seconds: how long they
    took together.
    """

    kind: str
    name: str
    sources: list[Place]
    in_flight: int
    waiting: int
    oldest: float
    batches: int
    handled: int
    seconds: float
    failures: int
    last_error: Failure | None


class Link(TypedDict):
    """Say whether a connection is open, and how often it was lost."""

    name: str
    is_open: bool
    lost: int


class Running(TypedDict):
    """Say what a handler is at: for how many seconds, with how many, and where it waits.

    at: the file, the line and the function.
    """

    process: int
    kind: str
    route: str
    seconds: float
    size: int
    at: str | None


class Blocked(TypedDict):
    """Say what blocked the event loop: where, since when, in seconds since 1970, and how long."""

    process: int
    handler: str | None
    at: str
    since: float
    seconds: float


class Loop(TypedDict):
    """Say how the event loop turns.

    lag: how many seconds late it was last. blocked_seconds: for how long it was blocked in this
    run. last_blocked: what did that last.
    """

    lag: float
    blocked_seconds: float
    last_blocked: Blocked | None


class Problem(TypedDict):
    """Say what is affected, and why."""

    subject: str
    reason: str


class Snapshot(TypedDict):
    """Say how it stands with one process, or with several of one app together.

    process: its id; None of several. phase: "off", "starting", "working" or "draining". at: when
    this was noted. since: when the phase began; both in seconds since 1970. handlers: the
    longest-running. processes: each of several, none of one.
    """

    process: int | None
    phase: str
    at: float
    since: float
    routes: list[Work]
    schedules: list[Work]
    publishing: list[Work]
    connections: list[Link]
    handlers: list[Running]
    loop: Loop
    problems: list[Problem]
    processes: list[Snapshot]
