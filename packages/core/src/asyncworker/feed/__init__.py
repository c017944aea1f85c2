"""What happens in a run, told once and read by many: metrics, status, and functions of yours."""

from asyncworker.feed.activity import DONE, Activity, Load, Source
from asyncworker.feed.blockage import Blockage
from asyncworker.feed.events import (
    BatchEnded,
    BatchStarted,
    Connected,
    Disconnected,
    Event,
    SourceChanged,
)
from asyncworker.feed.feed import Feed, Reader
from asyncworker.feed.histogram import Histogram
from asyncworker.feed.recording import Batches, Unusual
from asyncworker.feed.statistics import Statistics, Totals

__all__ = [
    "DONE",
    "Activity",
    "BatchEnded",
    "BatchStarted",
    "Batches",
    "Blockage",
    "Connected",
    "Disconnected",
    "Event",
    "Feed",
    "Histogram",
    "Load",
    "Reader",
    "Source",
    "SourceChanged",
    "Statistics",
    "Totals",
    "Unusual",
]
