"""What a Prometheus has of a worker that runs."""

import re

from prometheus_client import REGISTRY

from scripts import ROOT
from tests.metrics.worker import SECRET

PAGE = ROOT / "docs" / "reference" / "metrics.md"
TARGET = {"job", "instance", "__name__"}
"""Labels that Prometheus adds."""


async def series_of(prometheus):
    """All series of ours, once there are those of what takes longest to happen."""
    for selector in (
        'asyncworker_schedule_runs_total{outcome="failed"} > 0',
        'asyncworker_messages_total{outcome="reject"} > 0',
        'asyncworker_http_requests_total{path="/orders/{number}", status="500"} > 0',
        'asyncworker_http_requests_total{path="/orders/{number}", status="200"} > 0',
        'asyncworker_http_requests_total{path="/metrics", status="200"} > 0',
        "asyncworker_events_total > 10",
    ):
        await prometheus.found(selector)
    # A scrape that takes too long on a busy machine is aborted, or is not.
    query = {"match[]": '{__name__=~"asyncworker_.+", status!="aborted"}'}
    found = await prometheus.ask("series", **query)
    # What other tests have made in this process is scraped too, as users' own metrics are.
    others = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    return [labels for labels in found if labels["__name__"] not in others]


async def test_no_label_holds_what_came_in(prometheus):
    found = await series_of(prometheus)
    values = {value for labels in found for value in labels.values()}
    assert "GET" in values
    assert "/orders/{number}" in values
    assert [value for value in values if SECRET in value] == []


async def test_more_work_does_not_make_more_series(prometheus):
    before = await series_of(prometheus)
    await prometheus.found('asyncworker_http_requests_total{status="500"} > 15')
    after = await series_of(prometheus)
    assert sorted(map(str, after)) == sorted(map(str, before))


async def test_the_reference_has_each_with_its_labels(prometheus):
    rows = re.findall(r"^\| `(asyncworker_\w+)` \| \w+ \|(.*?)\|", PAGE.read_text(), re.MULTILINE)
    for name, _ in rows:
        await prometheus.found(f'{{__name__=~"{name}(_count)?"}}')
    found = {}
    for labels in await series_of(prometheus):
        name = re.sub("_(bucket|sum|count)$", "", labels["__name__"])
        found.setdefault(name, set()).update(labels.keys() - TARGET - {"le"})
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert [pair for pair in found.items() if pair not in told.items()] == []
    assert [pair for pair in told.items() if pair not in found.items()] == []
