"""What an app is called, where nothing else is said."""

import sys
from functools import partial
from types import ModuleType

import pytest

from asyncworker import RouteTypes
from asyncworker.describing.about import about, short_name, told_of
from asyncworker.describing.gathering import described


def module(name, **names):
    made = ModuleType(name)
    vars(made).update(names)
    return made


@pytest.fixture
def declared(app, monkeypatch):
    """An app with a handler of the module `shop.orders`."""

    async def store(items): ...

    store.__module__ = "shop.orders"
    text = "Sells tea.\n\n    And milk."
    monkeypatch.setitem(sys.modules, "shop", module("shop", __version__="1.2.3"))
    monkeypatch.setitem(sys.modules, "shop.orders", module("shop.orders", __doc__=text))
    app.route(["orders", "refunds"], type=RouteTypes.KAFKA)(store)
    return app


def test_an_app_is_called_by_its_module(declared):
    assert about(declared) == ("shop.orders", "1.2.3", "Sells tea.\n\nAnd milk.")


def test_what_is_said_goes_before(declared):
    assert about(declared, "Shop", "2")[:2] == ("Shop", "2")


def test_an_app_without_routes_has_a_name_too(app):
    assert about(app) == ("asyncworker", "0.0.0", "")


def test_a_script_is_called_by_its_file(declared, monkeypatch):
    main = module("__main__", __file__="/srv/shop.py")
    monkeypatch.setitem(sys.modules, "shop.orders", main)
    assert about(declared)[:2] == ("shop", "0.0.0")


def test_a_handler_may_be_any_callable():
    class Handler:
        """Store it.

        Twice.
        """

        async def __call__(self, items): ...

    expected = {"summary": "Store it.", "description": "Twice."}
    assert told_of(Handler()) == told_of(partial(Handler())) == expected
    assert short_name(Handler()) == "Handler"


def test_a_backend_that_tells_nothing_has_its_routes_told(declared):
    operations = described(declared).operations
    assert [(one.action, one.channel.address) for one in operations] == [
        ("receive", "orders"),
        ("receive", "refunds"),
    ]
