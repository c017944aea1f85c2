"""What `once=` takes, and how a lock is called."""

import sys
from functools import partial
from types import SimpleNamespace

import pytest

from asyncworker import App, Blueprint, Once
from asyncworker.errors import ConfigurationError
from asyncworker.once.claim import claim_of, stable_name
from packages.core.tests.schedules.handlers import Handlers

HERE = __name__


async def refresh():
    """Be a handler."""


@pytest.mark.parametrize("wrong", [1, None, "", 2.5, ["x"], refresh])
@pytest.mark.parametrize("declare", ["run_every", "run_at"])
@pytest.mark.parametrize("made", [App, Blueprint])
def test_a_wrong_value_is_an_error_at_the_decorator(made, declare, wrong):
    when = 60 if declare == "run_every" else "0 2 * * *"
    with pytest.raises(ConfigurationError, match="once must be True, the name of a lock or a Once"):
        getattr(made(), declare)(when, once=wrong)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": ""}, "name must be a non-empty string, got ''"),
        ({"name": 5}, "name must be a non-empty string, got 5"),
        ({"connection": 5}, "connection must be a connection or its name, got 5"),
    ],
)
def test_a_wrong_once_says_what_is_wrong(given, expected):
    with pytest.raises(ConfigurationError, match=f"^Once: {expected}$"):
        Once(**given)


def test_nothing_wanted_is_nothing_claimed(app):
    app.run_every(60)(refresh)
    app.run_every(60, once=False)(refresh)
    assert [one.claim for one in app.schedules] == [None, None]


def test_an_app_without_a_connection_that_holds_locks_says_what_it_needs(kafka):
    app = App(connections=[kafka.KafkaConnection()])
    with pytest.raises(ConfigurationError) as raised:
        app.run_every(60, once=True)(refresh)
    assert str(raised.value) == (
        "once= needs a connection that holds its lock: App(connections=[AMQPConnection(...)])"
    )
    assert app.schedules == []


def test_of_several_connections_one_has_to_be_named(locking):
    first, second = locking("a"), locking("b")
    app = App(connections=[first, second])
    with pytest.raises(ConfigurationError) as raised:
        app.run_every(60, once=True)(refresh)
    assert str(raised.value) == (
        "the app has several connections that hold locks, "
        "say which by once=Once(connection=...): a, b"
    )
    app.run_every(60, once=Once(connection="b"))(refresh)
    app.run_every(60, once=Once(connection=first))(refresh)
    assert [one.claim.connection for one in app.schedules] == [second, first]


@pytest.mark.parametrize(("wrong", "shown"), [("c", "'c'"), ("amqp://me:secret@host/", "a URL")])
def test_a_connection_of_that_name_has_to_be_there(locking, wrong, shown):
    app = App(connections=[locking("a")])
    with pytest.raises(ConfigurationError) as raised:
        app.run_every(60, once=Once(connection=wrong))(refresh)
    assert str(raised.value) == (
        f"Once: connection={shown} is no connection of this app that holds locks, which has: a"
    )


def test_a_connection_that_holds_no_locks_is_not_taken(kafka, locking):
    app = App(connections=[kafka.KafkaConnection(name="k"), locking("a")])
    with pytest.raises(ConfigurationError, match="connection='k' is no connection of this app"):
        app.run_every(60, once=Once(connection="k"))(refresh)


def test_a_lock_is_called_as_its_handler_or_as_somebody_says(app):
    for once in (True, "prices", Once("rates")):
        app.run_every(60, once=once)(refresh)
    assert [one.claim.name for one in app.schedules] == [f"{HERE}.refresh", "prices", "rates"]


def test_a_name_that_the_connection_refuses_is_an_error_at_the_decorator(app, connection):
    def refuse(name):
        raise ConfigurationError(f"no lock is called {name!r}")

    connection.lock = refuse
    with pytest.raises(ConfigurationError, match="no lock is called 'x'"):
        app.run_every(60, once="x")(refresh)


def test_the_schedules_of_a_blueprint_are_claimed_where_it_is_included(app):
    part = Blueprint()
    part.run_every(60, once=True)(refresh)
    part.run_at("0 2 * * *", once="reports")(refresh)
    part.run_every(60)(refresh)
    app.include(part)
    names = [one.claim and one.claim.name for one in app.schedules]
    assert names == [f"{HERE}.refresh", "reports", None]


def test_handlers_of_all_shapes_have_a_name_that_lasts():
    handlers = Handlers()
    shapes = [handlers.takes_app, partial(handlers.takes_two, "x"), Handlers()]
    assert [stable_name(one) for one in shapes] == [
        f"{Handlers.__module__}.Handlers.takes_app",
        f"{Handlers.__module__}.Handlers.takes_two",
        f"{Handlers.__module__}.Handlers",
    ]


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (SimpleNamespace(__spec__=None, __file__="/srv/shop/clock.py"), "clock.job"),
        (SimpleNamespace(__spec__=SimpleNamespace(name="shop.clock")), "shop.clock.job"),
        (SimpleNamespace(__spec__=None), "__main__.job"),
    ],
)
def test_a_module_that_is_run_is_called_as_one_that_is_imported(monkeypatch, main, expected):
    def job():
        """Be a handler."""

    job.__module__, job.__qualname__ = "__main__", "job"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert stable_name(job) == expected


def test_a_third_party_may_hold_locks(app, connection):
    claim = claim_of("x", app.connections, refresh)
    assert claim.connection is connection
