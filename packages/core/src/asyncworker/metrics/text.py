"""Metrics as Prometheus reads them: of one process, and of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from asyncworker.metrics.families import families

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.samples import Sample

    from asyncworker.app import App
    from asyncworker.feed import Statistics

WORKER: Final = "worker"


class Collected(Collector):
    """Hand over families as the library takes them."""

    def __init__(self, collected: Iterable[Metric]) -> None:
        self._collected = collected

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self._collected


def exposition(app: App, statistics: Statistics) -> bytes:
    """Return the metrics of an app in Prometheus' text format 0.0.4, on its event loop.

    Those of the default registry come along: your own, and those of the process.

    statistics: added to the app's feed before the run, by `app.feed.add(statistics)`.
    """
    app.feed.flush()
    own = generate_latest(Collected(families(app.feed, statistics)))
    return own + generate_latest(REGISTRY)


def merged(texts: Mapping[str, bytes]) -> bytes:
    """Return the metrics of several processes as one text, each series with the label `worker`.

    Each series takes some 30 µs: where an event loop must not wait, call it in a thread.

    texts: the text of each process, by the label's value. A label `worker` that is there already
    becomes `exported_worker`, as with Prometheus.
    """
    together: dict[str, Metric] = {}
    for worker, text in texts.items():
        for family in text_string_to_metric_families(text.decode()):
            kept = together.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            kept.samples += _labelled(family.samples, worker)
    return generate_latest(Collected(together.values()))


def _labelled(samples: Iterable[Sample], worker: str) -> Iterator[Sample]:
    for sample in samples:
        labels = dict(sample.labels)
        if WORKER in labels:
            labels[f"exported_{WORKER}"] = labels[WORKER]
        yield sample._replace(labels=labels | {WORKER: worker})
