"""The page on reliability shows the same run of the drills in both languages."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.pages.phrases import Phrases, figures
from tests.faults import marks, portuguese, report, table
from tests.faults.drill import Row
from tests.faults.run import Run
from tests.soak.summary import HEAD, Summary, markdown

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "reliability.md"
IN_PORTUGUESE = ROOT / "docs" / "reliability.pt-BR.md"
NODE_ID = re.compile(r"(?P<module>[\w/]+\.py)::(?P<name>\w+)(\[(?P<case>.*)\])?")


def first_line(node):
    return (ast.get_docstring(node) or "").splitlines()[0].rstrip(".")


def texts_of_the_drills():
    """Return sections, faults and the cases that are shown, as the drills name them."""
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/faults"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    texts = set()
    modules = {}
    for found in filter(None, map(NODE_ID.fullmatch, collected.stdout.splitlines())):
        module = modules.setdefault(
            found["module"], ast.parse((ROOT / found["module"]).read_text())
        )
        (drill,) = (one for one in module.body if getattr(one, "name", "") == found["name"])
        texts |= {first_line(module), first_line(drill)}
        asked_for = " ".join(map(ast.unparse, [drill.args, *drill.decorator_list]))
        if found["case"] is not None and re.search(r"\bcase\b", asked_for):
            texts.add(found["case"])
    return texts


def test_every_text_of_the_drills_is_translated():
    texts = texts_of_the_drills() | {*table.HEAD, *HEAD, "Soak", "kept", "BROKEN"}
    assert portuguese.PHRASES.missing(texts) == []
    assert sorted(portuguese.PHRASES.texts.keys() - texts) == []


def test_the_page_shows_the_runs_that_were_kept():
    assert marks.run_of(PAGE) == report.kept()


def test_both_pages_show_the_same_runs():
    assert marks.run_of(IN_PORTUGUESE) == portuguese.translated(marks.run_of(PAGE))


def test_a_run_is_translated_with_its_figures():
    row = Row("Retries", "Handler raises [two lengths]", 1492, 0, (3, 50), (2.5, 15), "BROKEN")
    assert portuguese.translated(table.markdown([[row]])) == (
        "### Novas tentativas\n\n"
        "| falha | tratadas | perdidas | duplicatas | segundos até se recuperar | veredito |\n"
        "| --- | ---: | ---: | ---: | ---: | --- |\n"
        "| O handler levanta uma exceção [dois tamanhos] | 1.492 | 0 | 3 (≤ 50) | 2,5 (≤ 15) "
        "| QUEBRADA |\n"
    )


def test_what_a_run_was_made_with_is_translated():
    rows = (Row("Retries", "Something", None, None, None, None, "BROKEN"),)
    run = Run("2026-01-02 03:04 UTC", "Linux x86_64 with 2 CPUs", {"Python": "3.11.7"}, rows)
    assert portuguese.translated(str(run)) == (
        "Execução de 2026-01-02 03:04 UTC, em Linux x86_64 com 2 CPUs: Python 3.11.7. "
        "1 ensaios; 0 cumpriram a promessa, 1 não."
    )


def test_several_runs_stand_side_by_side():
    name = ("Retries", "Handler raises")
    old = Row(*name, 1492, 0, (3, 50), (2.5, 15), "kept")
    new = Row(*name, 1500, 0, (4, 60), (0.1, 15), "BROKEN")
    only_new = Row("Retries", "New", None, 0, (7, 7), None, "kept")
    lines = table.markdown([[old], [new, only_new]]).splitlines()
    assert lines[-2:] == [
        (
            "| Handler raises | 1,492 · 1,500 | 0 | 3 (≤ 50) · 4 (≤ 60) | 2.5 · 0.1 (≤ 15) "
            "| kept · BROKEN |"
        ),
        "| New | - | - · 0 | - · 7 (≤ 7) | - | - · kept |",
    ]
    assert portuguese.translated(lines[-2]) == (
        "| O handler levanta uma exceção | 1.492 · 1.500 | 0 | 3 (≤ 50) · 4 (≤ 60) "
        "| 2,5 · 0,1 (≤ 15) | cumprida · QUEBRADA |\n"
    )


def test_a_run_that_was_kept_is_the_same_again(tmp_path):
    run = Run.made([Row("Retries", "New", 1, 0, (0, 7), (0.1, 15), "kept")], "4.3.6")
    run.write(tmp_path / "rabbitmq-4.3.json")
    assert Run.all(tmp_path) == [run]


def test_a_run_of_some_drills_leaves_what_is_kept_of_the_others():
    first = Row("Retries", "First", 1, 0, (0, 7), (0.1, 15), "kept")
    second = Row("Retries", "Second", 1, 1, (0, 7), (0.1, 15), "BROKEN")
    mended = Row("Retries", "Second", 1, 0, (0, 7), (0.1, 15), "kept")
    earlier, later = Run.made([first, second], "4.3.6"), Run.made([mended], "4.3.6")
    both = later.upon(earlier)
    assert both.rows == (first, mended)
    assert str(both).startswith(f"Run of {earlier.date}, {later.date}, on ")
    with pytest.raises(ValueError, match=r"had other versions: \{'RabbitMQ': '4\.3\.6'"):
        Run.made([mended], "4.0.5").upon(earlier)


def test_runs_are_in_the_order_of_their_brokers(tmp_path):
    for broker in ("4.0.5", "3.10.8", "3.9.1"):
        Run.made([], broker).write(tmp_path / f"rabbitmq-{broker}.json")
    assert [run.broker for run in Run.all(tmp_path)] == ["3.9.1", "3.10.8", "4.0.5"]


def test_a_soak_is_a_row_in_both_languages(tmp_path):
    soak = Summary(7, 60, "4.3.6", "3.14.10", "2026-01-02", faults={"a": 400}, allowed=1000)
    soak.write(tmp_path / "soak-4.3.json")
    row = markdown(Summary.all(tmp_path)).splitlines(keepends=True)[-1]
    assert row == (
        "| RabbitMQ 4.3.6, Python 3.14.10 | 2026-01-02 | 60 | 7 | 400 | 0 | 0 | 0 (≤ 1,000) | 0.0 "
        "| kept |\n"
    )
    assert portuguese.translated(row) == (
        "| RabbitMQ 4.3.6, Python 3.14.10 | 2026-01-02 | 60 | 7 | 400 | 0 | 0 | 0 (≤ 1.000) | 0,0 "
        "| cumprida |\n"
    )


def test_a_text_without_translation_stays_english():
    row = Row("New", "Something new [1,000 | more]", None, None, None, None, "kept")
    assert portuguese.translated(table.markdown([[row]])).splitlines()[-1] == (
        "| Something new [1,000 \\| more] | - | - | - | - | cumprida |"
    )


def test_a_text_is_translated_once(tmp_path):
    file = tmp_path / "twice.toml"
    file.write_text('[a]\nkept = "x"\n[b]\nkept = "y"\n')
    with pytest.raises(ValueError, match=re.escape("twice.toml: [b] repeats kept")):
        Phrases.read(file)


def test_figures_have_the_marks_of_portuguese():
    assert figures("1,492 (≤ 2.5)") == "1.492 (≤ 2,5)"
