"""What is Portuguese on generated pages is as new as its English."""

import logging

import pytest

from scripts.pages import catalogue as module
from scripts.pages.catalogue import catalogue, digest, translated
from scripts.pages.commands import commands


@pytest.fixture(scope="module")
def english(loader, package):
    """The English of everything that may be translated, by its key."""
    found = {}
    for name, command in commands().items():
        found[name] = command.help
        context = command.make_context(name, [], resilient_parsing=True)
        found |= {
            f"{name} {one.opts[-1]}": getattr(one, "help", None)
            for one in command.get_params(context)
        }
    objects = [package, loader.load("pytest_asyncworker", try_relative_path=False)]
    for each in objects:
        if each.docstring:
            found.setdefault(each.path, each.docstring.value)
        objects += [one for one in each.members.values() if not one.is_alias]
    return found


def test_every_translation_is_that_of_a_text_as_it_is_now(english):
    old = [key for key, one in catalogue().items() if digest(english.get(key) or "") != one["of"]]
    assert old == []


@pytest.fixture
def texts(monkeypatch):
    texts = {"a": {"of": digest("one two"), "text": "um dois"}}
    monkeypatch.setattr(module, "catalogue", lambda: texts)


@pytest.mark.usefixtures("texts")
def test_a_text_is_translated_however_its_lines_are_broken(caplog):
    assert translated("a", "one\n    two", "pt-BR") == "um dois"
    assert translated("a", "one two", "en") == "one two"
    assert caplog.messages == []


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize(
    ("key", "problem"), [("b", "is missing"), ("a", "is older than its English")]
)
def test_a_text_without_a_new_translation_is_a_warning_and_stays_english(key, problem, caplog):
    assert translated(key, "three", "pt-BR") == "three"
    warned = f"{key}: the translation {problem} (of = {digest('three')!r})"
    assert caplog.record_tuples == [("mkdocs.catalogue", logging.WARNING, warned)]
