"""Pages of one language find pages of that language."""

import json

import pytest

from scripts.pages.search import INDEX, rebased, split_index


def test_each_language_has_an_index_of_its_own(tmp_path):
    def written(folder):
        return json.loads((tmp_path / folder / INDEX).read_text())

    index = {
        "config": {"lang": ["en", "pt"], "separator": " "},
        "docs": [{"location": "a/#b", "text": "one"}, {"location": "pt-BR/a/#b", "text": "um"}],
    }
    (tmp_path / INDEX).parent.mkdir()
    (tmp_path / "pt-BR").mkdir()
    (tmp_path / INDEX).write_text(json.dumps(index))
    split_index(tmp_path, "pt-BR")
    assert written(".") == {
        "config": {"lang": ["en"], "separator": " "},
        "docs": [{"location": "a/#b", "text": "one"}],
    }
    assert written("pt-BR") == {
        "config": {"lang": ["pt"], "separator": " "},
        "docs": [{"location": "a/#b", "text": "um"}],
    }


@pytest.mark.parametrize(
    ("before", "after"), [("..", "."), ("../..", ".."), ("../../..", "../.."), (".", ".")]
)
def test_a_page_in_a_folder_of_its_language_searches_that_folder(before, after):
    assert rebased(f'{{"base": "{before}", "x": ".."}}') == f'{{"base": "{after}", "x": ".."}}'
