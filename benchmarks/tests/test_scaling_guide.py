"""The guide "Outgrow one machine" shows what was measured and modelled, in two languages."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.machine import machine
from benchmarks.report import DOCS
from benchmarks.results import Results
from benchmarks.scaling import ceilings, guide
from benchmarks.scaling.figures import ACROSS, FIGURES
from benchmarks.scaling.model import MOST, PEAK, Model
from scripts.pages.languages import in_portuguese

HEADING = re.compile(r"^(#+) .*(\{ #[\w-]+ \})?$", re.MULTILINE)
IMAGE = re.compile(r"!\[[^]]+\]\(([^)]+)\)")
SAME = re.compile(r"\d+ s|quorum|CPU|Python|RabbitMQ|`value`|")


@pytest.fixture(scope="module")
def model():
    return guide.read()


@pytest.mark.slow
def test_no_number_of_the_published_guide_is_typed_by_hand(model, tmp_path):
    """What is committed is what `hatch run scaling` writes."""
    guide.write(model, tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    charts = {path.relative_to(DOCS) for path in (DOCS / "guides" / "outgrow").iterdir()}
    assert written == {guide.PAGE, Path(in_portuguese(str(guide.PAGE))), *charts}
    for name in written:
        assert (tmp_path / name).read_text() == (DOCS / name).read_text()


def test_the_guide_shows_every_chart_in_both_languages(model, tmp_path):
    page = guide.write(model, tmp_path)
    for path in (page, Path(in_portuguese(str(page)))):
        shown = IMAGE.findall(path.read_text())
        assert sorted(shown) == sorted(f"outgrow/{figure.name}.svg" for figure in FIGURES)
        for chart in shown:
            ElementTree.parse(page.parent / chart)
            ElementTree.parse(page.parent / chart.replace(".svg", ".pt-BR.svg"))


def texts(model):
    """Everything that the guide says beside its template."""
    yield from (*guide.SETTINGS, *guide.CARRIED, *guide.NEEDED, *machine(), *model.queues.machine)
    yield from (label.partition(":")[0] for label in model.settings)
    yield from ceilings.KINDS
    yield from (ACROSS, *(text for figure in FIGURES for text in (figure.title, figure.unit)))
    yield from (f"{count} queue{'s' if count > 1 else ''}" for count in model.shards)


def test_every_text_is_translated(model):
    said = {text for text in texts(model) if not SAME.fullmatch(text)}
    assert guide.PHRASES.missing(said) == []
    assert sorted(guide.PHRASES.texts.keys() - said) == []


def test_both_templates_have_the_same_places_and_headings():
    english, translated = (
        path.read_text() for path in (guide.TEMPLATE, Path(in_portuguese(str(guide.TEMPLATE))))
    )
    places = re.compile(r"\$\w+")
    assert sorted(places.findall(english)) == sorted(places.findall(translated))
    for one, other in zip(HEADING.findall(english), HEADING.findall(translated), strict=True):
        assert one == other


def test_numbers_in_sentences_are_those_of_the_model(model, tmp_path):
    page = guide.write(model, tmp_path)
    english = " ".join(page.read_text().split())
    translated = " ".join(Path(in_portuguese(str(page))).read_text().split())
    both = model.courses["30 s and the rate"]
    assert f"for {both.pod_hours:.0f} pod hours. It needs `protocol: http`, so" in english
    assert f"por {both.pod_hours:.0f} horas de pod. Ele precisa de" in translated
    assert f"For {PEAK:,} messages a second, and the worker from above, that is" in english
    assert "Para 4.000 mensagens por segundo, e o worker acima" in translated
    assert "| RabbitMQ | 3.10.8 |" in translated


def test_what_the_guide_says_in_words_is_so(model):
    courses = model.courses
    hours = {label: course.pod_hours for label, course in courses.items()}
    longest = {label: max(course.age) for label, course in courses.items()}
    few, many = (label for label in courses if label.startswith("fixed"))
    # A short target costs pods and saves no time.
    assert hours["5 s"] > 3 * hours["30 s"]
    assert longest["5 s"] >= longest["30 s"]
    # What it usually waits is the target; a long one saves little.
    for target in (30, 60, 120, 300):
        assert courses[f"{target} s"].wait(0.5) == pytest.approx(target, rel=0.3)
    assert hours["300 s"] > 0.9 * hours["30 s"]
    # Pods that start slowly make the same of a target of 30 seconds.
    assert hours["30 s, slow pods"] > 1.5 * hours["90 s, slow pods"]
    # Half of all messages wait for less than a second.
    both = "30 s and the rate"
    assert courses[both].wait(0.5) == 0
    assert longest[both] <= min(one for label, one in longest.items() if not label.startswith("f"))
    assert hours[both] < hours[few] < hours[many]
    assert longest[few] > 600 > longest[many]
    # With replicas without end, the queues are what is too few.
    one, two, four = (max(course.age) for course in model.shards.values())
    assert one > 10 * two > 10 * four
    assert max(model.shards[1].pods) >= MOST
    assert max(model.large) > 2 * model.one_queue


def test_what_was_not_measured_is_named(model):
    with pytest.raises(ValueError, match=r"await-256 was not measured: asyncworker, cpu_us"):
        _ = Model(Results(), model.queues).cpu
