"""The dashboard for Grafana, on series of a worker that runs."""

import json
import re
from importlib.resources import files

from tests.metrics.prometheus import JOB

DASHBOARD = json.loads((files("asyncworker") / "metrics" / "dashboard.json").read_text())
ROWS = [one["title"] for one in DASHBOARD["panels"] if one["type"] == "row"]
PANELS = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
BUILT_IN = {"timeseries", "stat", "state-timeline"}
"""Panels that Grafana has without a plug-in."""
CHOSEN = {"job": JOB, "instance": ".+", "route": ".+", "__rate_interval": "5s"}
LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


def written_out(query):
    """A query as Grafana sends it, once variables are chosen."""
    for name, value in CHOSEN.items():
        query = query.replace(f"${name}", value)
    return query


def queries():
    for panel in PANELS:
        for target in panel["targets"]:
            yield written_out(target["expr"])
    for variable in VARIABLES.values():
        if variable["type"] == "query":
            query = written_out(variable["query"]["query"])
            selector, label = LABEL_VALUES.fullmatch(query).groups()
            yield f"group by ({label}) ({selector})"


async def test_each_query_finds_series(prometheus):
    for query in queries():
        await prometheus.found(query)


def test_needs_no_plug_in():
    assert {one["type"] for one in PANELS} <= BUILT_IN


def test_all_is_of_the_source_and_the_workers_that_were_chosen():
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        for target in panel["targets"]:
            assert (panel["datasource"], target["datasource"]) == (source, source)
            assert 'job=~"$job", instance=~"$instance"' in target["expr"]
    assert list(VARIABLES) == ["datasource", "job", "instance", "route"]


def test_has_a_row_for_each_subject_and_no_panel_twice():
    assert ROWS == [
        "Overview",
        "Handlers",
        "Queues",
        "Publishing",
        "HTTP",
        "Event streams",
        "Schedules",
        "Process",
    ]
    titles = [one["title"] for one in PANELS]
    assert len(titles) == len(set(titles))
    ids = [one["id"] for one in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_panels_do_not_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
