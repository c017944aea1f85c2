"""The page on reliability shows the same run of the drills in both languages."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.pages.phrases import Phrases, figures
from tests.faults import marks, portuguese, table
from tests.faults.drill import Row

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
    texts = texts_of_the_drills() | {*table.HEAD, "kept", "BROKEN"}
    assert portuguese.PHRASES.missing(texts) == []
    assert sorted(portuguese.PHRASES.texts.keys() - texts) == []


def test_both_pages_show_the_same_run():
    assert marks.run_of(IN_PORTUGUESE) == portuguese.translated(marks.run_of(PAGE))


def test_a_run_is_translated_with_its_figures():
    row = Row("Retries", "Handler raises [two lengths]", 1492, 0, (3, 50), (2.5, 15), "BROKEN")
    assert portuguese.translated(table.markdown([row])) == (
        "### Novas tentativas\n\n"
        "| falha | tratadas | perdidas | duplicatas | segundos até se recuperar | veredito |\n"
        "| --- | ---: | ---: | ---: | ---: | --- |\n"
        "| O handler levanta uma exceção [dois tamanhos] | 1.492 | 0 | 3 (≤ 50) | 2,5 (≤ 15) "
        "| QUEBRADA |\n"
    )


def test_what_a_run_was_made_with_is_translated():
    said = (
        "Run of 2026-01-02 03:04 UTC, on Linux x86_64 with 2 CPUs: Python 3.11.7.\n\n"
        "84 drills; 83 kept their promise, 1 did not.\n"
    )
    assert portuguese.translated(said) == (
        "Execução de 2026-01-02 03:04 UTC, em Linux x86_64 com 2 CPUs: Python 3.11.7.\n\n"
        "84 ensaios; 83 cumpriram a promessa, 1 não.\n"
    )


def test_a_text_without_translation_stays_english():
    row = Row("New", "Something new [1,000 | more]", None, None, None, None, "kept")
    assert portuguese.translated(table.markdown([row])).splitlines()[-1] == (
        "| Something new [1,000 \\| more] | - | - | - | - | cumprida |"
    )


def test_a_text_is_translated_once(tmp_path):
    file = tmp_path / "twice.toml"
    file.write_text('[a]\nkept = "x"\n[b]\nkept = "y"\n')
    with pytest.raises(ValueError, match=re.escape("twice.toml: [b] repeats kept")):
        Phrases.read(file)


def test_figures_have_the_marks_of_portuguese():
    assert figures("1,492 (≤ 2.5)") == "1.492 (≤ 2,5)"
