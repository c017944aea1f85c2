"""Families of series, in which what has the same labels becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from asyncworker.feed import Histogram

Labels: TypeAlias = tuple[str, ...]


def summed(values: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    """Return the sum of what has the same labels."""
    return _merged(values, lambda one, other: one + other)


def most(values: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    """Return the most of what has the same labels."""
    return _merged(values, max)


def least(values: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    """Return the least of what has the same labels."""
    return _merged(values, min)


def counter(
    name: str, about: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> CounterMetricFamily:
    """Return a family of counters, without `_total`."""
    family = CounterMetricFamily(name, about, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def gauge(
    name: str, about: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> GaugeMetricFamily:
    """Return a family of gauges."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def histogram(
    name: str, about: str, labels: Sequence[str], values: Iterable[tuple[Labels, Histogram]]
) -> HistogramMetricFamily:
    """Return a family of histograms; all have the same bounds."""
    same: dict[Labels, list[Histogram]] = {}
    for each, value in values:
        same.setdefault(each, []).append(value)
    family = HistogramMetricFamily(name, about, labels=labels)
    for each, found in same.items():
        up_to = summed(((str(float(bound)),), n) for one in found for bound, n in one.buckets())
        buckets = [(bound, number) for (bound,), number in up_to.items()]
        buckets.append(("+Inf", sum(one.count for one in found)))
        family.add_metric(each, buckets, sum(one.sum for one in found))
    return family


def _merged(
    values: Iterable[tuple[Labels, float]], merge: Callable[[float, float], float]
) -> dict[Labels, float]:
    result: dict[Labels, float] = {}
    for labels, value in values:
        result[labels] = merge(result[labels], value) if labels in result else value
    return result
