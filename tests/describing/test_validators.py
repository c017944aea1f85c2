"""Documents of examples and of hostile apps, as the makers of both formats judge them."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from asyncworker import App
from asyncworker.describing.documents import document, written
from asyncworker.describing.html import page
from scripts.asyncapi.parser import problems_of
from tests.describing import hostile

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
HOSTILE = (hostile.make_messages, hostile.make_http, hostile.make_many)
ENOUGH = 10.0
"""Seconds in which a document of 200 routes is made on any machine."""


@pytest.fixture(scope="module")
def apps():
    """The apps of all examples, and the hostile ones, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASYNCWORKER_AMQP_URL", "memory://")
        patch.setattr(App, "run", lambda self: None)
        patch.setattr(sys, "path", [*sys.path, *{str(path.parent) for path in EXAMPLES}])
        found = {make.__name__: make() for make in HOSTILE}
        for path in EXAMPLES:
            for name, app in apps_of(path):
                found[f"{path.stem}:{name}"] = app
        yield found


def apps_of(path):
    """Yield the apps of a module, which is imported under a name of its own."""
    name = f"described_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    for key, value in vars(module).items():
        if isinstance(value, App):
            yield key, value


def test_there_are_examples_to_look_at(apps):
    assert len(apps) > 20


def test_all_are_valid_by_the_parser_of_asyncapi(apps):
    found = problems_of({name: written(document(app, "asyncapi")) for name, app in apps.items()})
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_all_are_valid_by_the_validator_of_openapi(apps):
    for app in apps.values():
        validate(document(app, "openapi"), cls=OpenAPIV31SpecValidator)


def test_the_parser_does_find_what_is_wrong():
    broken = '{"asyncapi": "3.0.0", "info": {"title": "a"}, "channels": 5}'
    found = problems_of({"broken": broken})
    assert any("version" in line for line in found["broken"])


def test_no_document_and_no_page_has_a_secret(apps):
    for app in apps.values():
        pair = [document(app, name) for name in ("openapi", "asyncapi")]
        for text in (*map(written, pair), page(*pair, {})):
            assert "s3cret" not in text


def test_many_routes_take_little_time(apps):
    app = apps["make_many"]
    began = time.monotonic()
    told = document(app, "asyncapi")
    assert time.monotonic() - began < ENOUGH
    assert len(told["operations"]) == 2 * hostile.MANY
    assert list(told["components"]["schemas"]) == ["Tree-Input", "Tree-Output"]


def test_a_document_is_the_same_each_time():
    for make in (hostile.make_messages, hostile.make_http):
        for name in ("openapi", "asyncapi"):
            assert written(document(make(), name)) == written(document(make(), name))
