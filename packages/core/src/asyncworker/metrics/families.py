"""What is counted and measured in a run, made of its feed when somebody asks for it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final

from asyncworker.feed import Totals
from asyncworker.metrics.merging import counter, gauge, histogram, least, most, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from asyncworker.feed import Activity, Feed, Histogram, Statistics

STREAMS: Final = "sse"
REQUESTS: Final = "http"
SCHEDULES: Final = "schedule"
PUBLISHING: Final = "publish"
OUTCOMES: Final = {
    "rabbitmq": ("ack", "reject", "requeue", "retry", "late"),
    SCHEDULES: ("done", "failed", "skipped"),
    PUBLISHING: ("confirmed", "unroutable", "rejected", "timeout", "failed"),
}
"""What is shown as 0 before it happens, by kind, so that rates know the first of each.

Of a third party's backend it is the usual outcome.
"""
RETRIED: Final = "retry"
WORKING: Final = "working"
PAUSED: Final = "paused"
STANDING_BY: Final = "standing by"


def families(feed: Feed, statistics: Statistics) -> Iterator[Metric]:
    """Return all families of the run; of what the app does not have, none."""
    by_kind: dict[str, list[Activity]] = {}
    for activity in feed.activities:
        by_kind.setdefault(activity.kind, []).append(activity)
    publishing = by_kind.pop(PUBLISHING, [])
    handlers = list(chain.from_iterable(by_kind.values()))
    requests, schedules = by_kind.pop(REQUESTS, []), by_kind.pop(SCHEDULES, [])
    batches = list(chain.from_iterable(by_kind.values()))
    streams = by_kind.pop(STREAMS, [])
    queues = list(chain.from_iterable(by_kind.values()))
    found = (
        _of_handlers(handlers, statistics),
        _of_batches(batches, statistics),
        _of_queues(queues, statistics),
        _of_streams(streams),
        _of_requests(requests, statistics),
        _of_schedules(schedules),
        _of_publishing(publishing, statistics),
        _of_connections(publishing, statistics),
        _of_loop(feed),
    )
    return (family for family in chain.from_iterable(found) if family.samples)


def _of_handlers(handlers: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    yield histogram(
        "asyncworker_handler_seconds",
        "How long handlers took.",
        ("route",),
        _histograms(handlers, statistics, lambda totals: totals.seconds, _route),
    )
    yield counter(
        "asyncworker_failures",
        "Batches, requests and runs whose handler raised.",
        ("route",),
        summed((_route(one), one.failures) for one in handlers),
    )
    yield gauge(
        "asyncworker_in_flight",
        "Messages, events, requests and runs that handlers are at.",
        ("route",),
        summed((_route(one), one.load().in_flight) for one in handlers),
    )


def _of_batches(batches: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    yield histogram(
        "asyncworker_batch_size",
        "How many messages or events handlers were given at a time.",
        ("route",),
        _histograms(batches, statistics, lambda totals: totals.sizes, _route),
    )
    yield gauge(
        "asyncworker_waiting",
        "Messages or events that are here and wait for a handler.",
        ("route",),
        summed((_route(one), one.waiting()) for one in batches),
    )
    yield gauge(
        "asyncworker_oldest_unsettled_seconds",
        "How long the oldest message is here that is not settled; of events, is being handled.",
        ("route",),
        most((_route(one), one.oldest()) for one in batches),
    )
    yield gauge(
        "asyncworker_consuming",
        "Whether a queue or a stream is consumed now.",
        ("route", "queue"),
        # What another process reads is not told: an alert on it would be a false one.
        least(
            ((one.name, source), found.state == WORKING)
            for one in batches
            for source, found in one.sources.items()
            if found.state != STANDING_BY
        ),
    )
    yield gauge(
        "asyncworker_paused",
        "Whether nothing is taken from a queue or a stream now, on purpose.",
        ("route", "queue"),
        most(
            ((one.name, source), found.state == PAUSED)
            for one in batches
            for source, found in one.sources.items()
        ),
    )


def _of_queues(queues: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    yield counter(
        "asyncworker_messages",
        "Messages, by what became of them.",
        ("route", "queue", "outcome"),
        summed(((one.name, *end), number) for one in queues for end, number in _ends(one)),
    )
    yield counter(
        "asyncworker_retries",
        "Messages that were to wait for another attempt.",
        ("route",),
        summed(
            (_route(one), number)
            for one in queues
            for (_, outcome), number in _ends(one)
            if outcome == RETRIED
        ),
    )
    yield histogram(
        "asyncworker_delivery_seconds",
        "Of some messages: how long after they were sent they were settled.",
        ("route",),
        _histograms(queues, statistics, lambda totals: totals.ages, _route),
    )


def _of_streams(streams: list[Activity]) -> Iterator[Metric]:
    yield counter(
        "asyncworker_events",
        "Events of streams that were handled.",
        ("route",),
        summed((_route(one), one.outcomes.total()) for one in streams),
    )


def _of_requests(requests: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    yield counter(
        "asyncworker_http_requests",
        "Requests that a route answered.",
        ("method", "path", "status"),
        summed(
            ((*source.split(" ", 1), status), number)
            for one in requests
            for (source, status), number in one.outcomes.items()
        ),
    )
    yield histogram(
        "asyncworker_http_request_seconds",
        "How long requests took that a route answered.",
        (),
        _histograms(requests, statistics, lambda totals: totals.seconds, lambda _: ()),
    )


def _of_schedules(schedules: list[Activity]) -> Iterator[Metric]:
    yield counter(
        "asyncworker_schedule_runs",
        "Runs of schedules, by how they ended.",
        ("schedule", "outcome"),
        summed(((one.name, end[1]), number) for one in schedules for end, number in _ends(one)),
    )


def _of_publishing(publishing: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    yield counter(
        "asyncworker_published",
        "Messages that were published, by what came of it.",
        ("connection", "outcome"),
        summed(((one.name, end[1]), number) for one in publishing for end, number in _ends(one)),
    )
    yield histogram(
        "asyncworker_publish_seconds",
        "How long it took to publish a message, or several together.",
        (),
        _histograms(publishing, statistics, lambda totals: totals.seconds, lambda _: ()),
    )


def _of_connections(publishing: list[Activity], statistics: Statistics) -> Iterator[Metric]:
    lost = Counter({one.name: 0 for one in publishing})
    lost.update(statistics.lost)
    yield counter(
        "asyncworker_connections_lost",
        "Connections that were lost.",
        ("connection",),
        summed(((name,), number) for name, number in lost.items()),
    )


def _of_loop(feed: Feed) -> Iterator[Metric]:
    yield gauge(
        "asyncworker_loop_lag_seconds",
        "How late the event loop was with what was to be done next.",
        (),
        {(): feed.loop_lag},
    )
    yield counter(
        "asyncworker_loop_blocked_seconds",
        "For how long something kept the event loop from turning.",
        (),
        {(): feed.blocked_seconds},
    )


def _route(activity: Activity) -> tuple[str, ...]:
    return (activity.name,)


def _ends(activity: Activity) -> Iterator[tuple[tuple[str, str], int]]:
    """Return how many came to which end, by source and outcome, with those that may be yet."""
    outcomes = OUTCOMES.get(activity.kind, activity.usual[1:])
    for source in activity.sources or ("",):
        yield from (((source, outcome), 0) for outcome in outcomes)
    yield from activity.outcomes.items()


def _histograms(
    activities: Iterable[Activity],
    statistics: Statistics,
    of: Callable[[Totals], Histogram],
    labels: Callable[[Activity], tuple[str, ...]],
) -> Iterator[tuple[tuple[str, ...], Histogram]]:
    return ((labels(one), of(statistics.totals.get(one) or Totals())) for one in activities)
