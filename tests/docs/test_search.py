"""Pages of one language find pages of that language."""

import json

import pytest

from scripts.pages.search import INDEX, rebased, split_index


def test_each_language_has_an_index_of_its_own(tmp_path):
    def written(folder):
        return json.loads((tmp_path / folder / INDEX).read_text())

    fields = {"title": {"boost": 1000.0}, "text": {"boost": 1.0}}
    index = {
        "config": {"lang": ["en", "pt"], "fields": fields},
        "docs": [{"location": "a/#b", "text": "one"}, {"location": "pt-BR/a/#b", "text": "um"}],
    }
    (tmp_path / INDEX).parent.mkdir()
    (tmp_path / "pt-BR").mkdir()
    (tmp_path / INDEX).write_text(json.dumps(index))
    split_index(tmp_path, "pt-BR")
    fields["title"] = {"boost": 10.0}
    assert written(".") == {
        "config": {"lang": ["en"], "fields": fields},
        "docs": [{"location": "a/#b", "text": "one", "boost": 1.0}],
    }
    assert written("pt-BR") == {
        "config": {"lang": ["pt"], "fields": fields},
        "docs": [{"location": "a/#b", "text": "um", "boost": 1.0}],
    }


def test_guides_come_first(tmp_path):
    places = [
        "guides/bulk/",
        "guides/http/",
        "reference/core/#asyncworker.App",
        "tutorial/",
        "guides/backend/",
        "migration/#bulk",
    ]
    index = {"config": {"fields": {}}, "docs": [{"location": place} for place in places]}
    (tmp_path / INDEX).parent.mkdir()
    (tmp_path / "pt-BR").mkdir()
    (tmp_path / INDEX).write_text(json.dumps(index))
    split_index(tmp_path, "pt-BR")
    docs = json.loads((tmp_path / INDEX).read_text())["docs"]
    assert [one["boost"] for one in docs] == [4.0, 3.0, 0.3, 1.0, 0.5, 0.2]


@pytest.mark.parametrize(
    ("before", "after"), [("..", "."), ("../..", ".."), ("../../..", "../.."), (".", ".")]
)
def test_a_page_in_a_folder_of_its_language_searches_that_folder(before, after):
    assert rebased(f'{{"base": "{before}", "x": ".."}}') == f'{{"base": "{after}", "x": ".."}}'
