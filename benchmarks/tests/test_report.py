import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.figures import FIGURES
from benchmarks.report import DOCS, RESULTS
from benchmarks.results import Results


def test_the_page_shows_every_chart_that_it_can(results, tmp_path):
    page = report.write(results, tmp_path).read_text()
    shown = re.findall(r"!\[[^]]+\]\((performance/[^)]+)\)", page)
    assert sorted(shown) == sorted(f"performance/{figure.name}.svg" for figure in FIGURES)
    for path in shown:
        ElementTree.parse(tmp_path / path)


def test_the_page_says_what_was_not_reached_and_what_was_not_measured(results, tmp_path):
    page = report.write(results, tmp_path).read_text()
    assert "| consume, bulk 100 | at most 0.07 × aio-pika | 0.050 (0.050–0.050) | reached |" in page
    assert "| HTTP, plain | at most 1.08 × aiohttp | 2.000 (2.000–2.000) | not reached |" in page
    assert "- async-worker 0.20.2: there is no Python 3.11" in page


def test_the_page_shows_where_the_time_goes(results, tmp_path):
    results.profiles["http-plain"] = [("asyncworker/http/endpoint.py:1 answer", 12.345)]
    page = report.write(results, tmp_path).read_text()
    assert "### HTTP: plain text\n\n| function, or library | % |\n" in page
    assert "\n| `asyncworker/http/endpoint.py:1 answer` | 12.3 |\n" in page


def test_the_page_names_the_machine_and_the_versions(results, tmp_path):
    page = report.write(results, tmp_path).read_text()
    assert "| CPU | one of tests |" in page
    assert "Versions: aio-pika 1.2.3." in page
    assert "2 rounds\n(A B C, A B C, ...), on 2026-01-01" in page


def test_the_page_shows_targets_as_measured_on_several_brokers(results, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "BROKERS", tmp_path)
    results.machine |= {"RabbitMQ": "3.10.8", "Python": "CPython 3.11.7"}
    results.write(tmp_path / "3.10.json")
    results.machine |= {"RabbitMQ": "4.3.6", "Python": "CPython 3.14.10"}
    del results.runs["publish-1"]
    results.write(tmp_path / "4.3.json")
    page = report.write(results, tmp_path).read_text()
    part = page.partition("## On other brokers")[2].partition("\n## ")[0]
    assert "| job | target | RabbitMQ 3.10.8, CPython 3.11.7 | RabbitMQ 4.3.6, CPython 3.14" in part
    assert (
        "| consume, bulk 1 | at most 0.08 × aio-pika | 0.050 (0.050–0.050) | 0.050 (0.050–0.050) |"
        in part
    )
    assert "publish, one at a time" not in part


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_chart_of_nothing_is_none(figure):
    assert figure.draw(Results()) == ""


def test_a_part_that_was_not_measured_says_so(tmp_path):
    (tmp_path / "performance").mkdir()
    (tmp_path / "performance" / "consume.svg").write_text("of an older run")
    page = report.write(Results(), tmp_path).read_text()
    assert page.count(report.NOTHING) == len(FIGURES)
    assert list((tmp_path / "performance").iterdir()) == []


def test_no_number_of_the_published_pages_is_typed_by_hand(tmp_path):
    report.write(Results.read(RESULTS), tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    charts = {path.relative_to(DOCS) for path in (DOCS / "performance").iterdir()}
    assert written == {Path("performance.md"), Path("performance.pt-BR.md"), *charts}
    for name in written:
        assert (tmp_path / name).read_text() == (DOCS / name).read_text()
