"""What handlers share as long as an app runs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from asyncworker import App
from asyncworker.errors import ConfigurationError, HookFailed, ResourceNotOpen
from asyncworker.testing import TestApp


class Database: ...


class Cache:
    def __init__(self, database):
        self.database = database


@pytest.fixture
def app():
    return App()


@pytest.fixture
def journal(app):
    """What an app with two resources and two hooks does, in order."""
    journal = []

    @app.resource
    async def database(app: App) -> AsyncIterator[Database]:
        journal.append("database opens")
        yield Database()
        journal.append("database closes")

    @app.resource
    async def cache(database: Database) -> AsyncGenerator[Cache, None]:
        journal.append("cache opens")
        yield Cache(database)
        journal.append("cache closes")

    @app.run_on_startup
    async def start(app, cache: Cache, *, database: Database):
        assert cache.database is database is app[Database]
        journal.append("starts")

    @app.run_on_shutdown
    async def end(database: Database):
        assert app[Database] is database
        journal.append("ends")

    return journal


ALL = ["database opens", "cache opens", "starts", "ends", "cache closes", "database closes"]


async def test_they_are_open_from_before_the_first_hook_to_after_the_last(app, journal):
    for _ in range(2):
        journal.clear()
        async with app.started():
            assert app[Cache].database is app[Database]
        assert journal == ALL


async def test_schedules_have_them(app, journal):
    taken = asyncio.Queue()

    @app.run_every(3600)
    async def tick(cache: Cache, app: App):
        taken.put_nowait((cache, app))

    async with app.started(), asyncio.timeout(30):
        assert await taken.get() == (app[Cache], app)


@pytest.mark.parametrize("in_context", [True, False])
async def test_one_is_asked_for_only_while_the_app_runs(app, journal, in_context):
    if in_context:
        async with app.started():
            assert isinstance(app[Database], Database)
    with pytest.raises(ResourceNotOpen, match=r"^Database is open only while the app runs$"):
        app[Database]
    assert app.get(Database) is None


@pytest.mark.parametrize("where", ["startup", "shutdown", "both"])
async def test_whatever_fails_they_are_closed(app, journal, where):
    async def fail(app):
        raise RuntimeError("on purpose")

    if where != "shutdown":
        app.run_on_startup(fail)
    if where != "startup":
        app.run_on_shutdown(fail)
    with pytest.raises(HookFailed):
        async with app.started():
            assert where == "shutdown"
    assert journal == ALL


async def test_what_fails_to_open_is_said_and_those_before_are_closed(app, journal):
    class Late: ...

    @app.resource
    async def late() -> AsyncIterator[Late]:
        raise OSError("no route to host")
        yield

    with pytest.raises(HookFailed, match=r"resource .*late raised OSError\('no route to host'\)"):
        async with app.started():
            pass
    assert journal == ["database opens", "cache opens", "cache closes", "database closes"]


async def test_what_fails_to_close_is_said_and_the_others_are_closed(app, journal):
    class Late: ...

    @app.resource
    async def late() -> AsyncIterator[Late]:
        yield Late()
        raise OSError("broken pipe")

    with pytest.raises(HookFailed, match=r"resource .*late raised OSError\('broken pipe'\)"):
        async with app.started():
            pass
    assert journal == ALL


async def test_the_code_behind_the_yield_sees_no_exception(app):
    seen = []

    @app.resource
    async def database() -> AsyncIterator[Database]:
        try:
            yield Database()
        except BaseException as error:
            seen.append(error)
            raise

    with pytest.raises(ZeroDivisionError):
        async with app.started():
            _ = 1 / 0
    assert seen == []


async def test_one_that_yields_nothing_or_twice_fails(app):
    @app.resource
    async def nothing() -> AsyncIterator[Database]:
        if app is None:
            yield

    with pytest.raises(HookFailed, match=r"it yielded nothing, and must yield once"):
        async with app.started():
            pass

    other = App()
    closed = []

    @other.resource
    async def twice() -> AsyncIterator[Database]:
        try:
            yield Database()
            yield Database()
        finally:
            closed.append(True)

    with pytest.raises(HookFailed, match=r"it yielded twice, and must yield once"):
        async with other.started():
            pass
    assert closed == [True]


async def test_a_test_replaces_them(app, journal):
    fake = Database()
    async with TestApp(app, resources={Database: fake}):
        assert app[Database] is app[Cache].database is fake
    assert "database opens" not in journal
    journal.clear()
    async with app.started():
        assert app[Database] is not fake
    assert journal == ALL


def test_a_test_replaces_only_what_is_there(app, journal):
    with pytest.raises(
        ConfigurationError, match=r"^the app has no resource str: it has Database, Cache$"
    ):
        TestApp(app, resources={str: "x"})


async def plain(app) -> AsyncIterator[Database]: ...


def sync_generator(app) -> AsyncIterator[Database]:
    yield


async def unannotated(app):
    yield


async def of_anything(app) -> AsyncIterator[Any]:
    yield


async def of_none(app) -> AsyncIterator[None]:
    yield


async def not_of_one(app) -> Database:
    yield


async def missing(app) -> "AsyncIterator[Missing]":  # noqa: F821
    yield


async def asking(cache: Cache) -> AsyncIterator[Database]:
    yield


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (plain, "resource plain must be an async generator function: async def, with one yield"),
        (sync_generator, "resource sync_generator must be an async generator function"),
        (1, "resource 1 must be an async generator function"),
        (unannotated, "resource unannotated must say what it yields: -> AsyncIterator[Database]"),
        (not_of_one, "resource not_of_one must say what it yields"),
        (of_anything, "resource of_anything yields Any: name a type of its own"),
        (of_none, "resource of_none yields None: name a type of its own"),
        (
            asking,
            "asking: nothing provides parameter 'cache': declare what does as a resource",
        ),
        (missing, "missing: an annotation cannot be evaluated: name 'Missing' is not defined"),
    ],
)
def test_bad_ones_are_refused_at_once(app, function, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.resource(function)
    assert reason in str(caught.value)


def test_a_type_has_one_provider(app, journal):
    with pytest.raises(
        ConfigurationError, match=r"^resource .*again: .*database provides Database already$"
    ):

        @app.resource
        async def again() -> AsyncIterator[Database]:
            yield


async def test_none_is_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match=r"declare resources before app.run"):
            app.resource(unannotated)


def test_a_hook_asks_for_what_is_declared_before(app, journal):
    with pytest.raises(
        ConfigurationError, match=r"hook: nothing provides parameter 'more': declare what does"
    ):

        @app.run_on_startup
        async def hook(database: Database, more: list): ...
