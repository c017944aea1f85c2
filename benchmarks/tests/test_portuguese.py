"""The report is there in Portuguese as well, and no text of it is forgotten."""

import re
from xml.etree import ElementTree

import pytest

from benchmarks import portuguese, report, table
from benchmarks.cases import CASES, MODELS
from benchmarks.figures import FIGURES, Bars
from benchmarks.machine import machine
from benchmarks.peers import PEERS
from benchmarks.targets import NOT_REACHED, REACHED, TARGETS
from benchmarks.units import UNITS

HEADING = re.compile(r"^(#+) ", re.MULTILINE)
NAME = re.compile(rf"({'|'.join(map(re.escape, PEERS))})(, (bulk \d+|p50|p99|{'|'.join(MODELS)}))*")
SAME = {"MB", "CPU", "Python", "%"}


def texts():
    """Everything that the report says beside its template, whatever was measured."""
    for figure in FIGURES:
        yield from (figure.title, figure.unit)
        labels = figure.rows if isinstance(figure, Bars) else figure.series
        yield from (label for label, *_ in labels)
        if not isinstance(figure, Bars):
            yield figure.across
    for target in TARGETS:
        yield from (target.job, "at least" if target.least else "at most")
    yield from (case.title for case in CASES)
    yield from (*UNITS.values(), *table.VERDICTS, *machine(), *report.PROFILE)
    yield from (REACHED, NOT_REACHED, "not measured", "failed", "round", "rounds")
    yield from (report.NOTHING, report.EVERYTHING)


def is_name(text):
    return text in SAME or NAME.fullmatch(text) is not None


def test_every_text_is_translated():
    said = set(texts())
    known = portuguese.PHRASES.texts.keys()
    assert sorted(text for text in said - known if not is_name(text)) == []
    assert sorted(known - said - PEERS.keys()) == []


def test_both_templates_have_the_same_places_and_headings():
    english = report.TEMPLATE.read_text()
    translated = report.TEMPLATE.with_name("report.pt-BR.md").read_text()
    for pattern in (re.compile(r"\$\w+"), HEADING):
        assert pattern.findall(english) == pattern.findall(translated)


def test_the_page_is_written_in_both_languages(results, tmp_path):
    results.profiles["http-plain"] = [("asyncworker/http/endpoint.py:1 answer", 12.345)]
    english = report.write(results, tmp_path).read_text()
    page = (tmp_path / "performance.pt-BR.md").read_text()
    assert HEADING.findall(english) == HEADING.findall(page)
    assert re.findall(r"\]\(.+\)", english) == re.findall(r"\]\(.+\)", page)
    for line in (
        "| trabalho | meta | medido | veredito |",
        "| consumo, bulk 100 | no máximo 0,07 × aio-pika | 0,050 (0,050–0,050) | atingida |",
        "| HTTP, simples | no máximo 1,08 × aiohttp | 2,000 (2,000–2,000) | não atingida |",
        "![Consumir 200 bytes de JSON: µs de CPU por mensagem, menos é melhor]"
        "(performance/consume.svg)",
        "### Filas, uma rota cada: 16",
        "### HTTP: texto simples",
        "| função, ou biblioteca | % |",
        "| `asyncworker/http/endpoint.py:1 answer` | 12,3 |",
        "| httpx-sse, apenas a análise | 375 (300–450) | 375 (300–450) | 30 (30–30) |",
        "- async-worker 0.20.2: there is no Python 3.11",
        "Versões: aio-pika 1.2.3.",
    ):
        assert f"\n{line}\n" in page
    assert "2 rodadas\n(A B C, A B C, ...), em 2026-01-01" in page


def test_what_was_not_measured_says_so_in_portuguese(results, tmp_path):
    results.runs.clear()
    results.failures.append("round 1/2: idle: FastStream: exit code 1: oh")
    report.write(results, tmp_path)
    page = (tmp_path / "performance.pt-BR.md").read_text()
    assert page.count("\n*Não medido nesta execução.*\n") == len(FIGURES)
    assert "- falhou: round 1/2: idle: FastStream: exit code 1: oh\n" in page
    assert "|  | não medida: consume-bulk-100 did not run |\n" in page


def texts_of(svg):
    elements = ElementTree.fromstring(svg).iter()
    return [element.text for element in elements if element.tag.endswith("text")]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_chart_is_translated(figure, results):
    svg = figure.draw(results)
    english, translated = texts_of(svg), texts_of(portuguese.chart(svg))
    assert translated == [portuguese.words(text) for text in english]
    assert translated[:2] == [portuguese.PHRASES.texts[text] for text in english[:2]]


def test_marks_of_markup_stay_what_they_are():
    assert portuguese.chart("<text>a &lt; b &amp; c</text>") == "<text>a &lt; b &amp; c</text>"


def test_numbers_have_the_marks_of_portuguese():
    assert portuguese.words("43,783 (0.5–1.25)") == "43.783 (0,5–1,25)"


def test_a_version_is_no_number():
    assert portuguese.words("3.10.8") == "3.10.8"
    assert portuguese.words("3.10 (1–2.5)") == "3,10 (1–2,5)"
