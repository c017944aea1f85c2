import functools
import sys
from unittest import mock

import pytest

from asyncworker import RouteOptions, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.routes import (
    Route,
    check_handler,
    check_names,
    check_takes,
    is_async,
    name_of,
    streams,
)


async def handler(items):
    return items


class Handler:
    async def __call__(self, items):
        return items

    async def method(self, items):
        return items


def not_async(items):
    return items


async def generator(items):
    yield items


def plain_generator(items):
    yield items


@pytest.mark.parametrize(
    "good",
    [
        handler,
        Handler(),
        Handler().method,
        Handler.method,
        functools.partial(handler, 1),
        functools.partial(Handler().method, items=[]),
        functools.partial(Handler()),
    ],
    ids=[
        "function",
        "object",
        "bound method",
        "method",
        "partial",
        "partial of a bound method",
        "partial of an object",
    ],
)
def test_what_is_async_is_a_handler(good):
    check_handler(good)
    assert is_async(good)


@pytest.mark.parametrize(
    "good",
    [not_async, functools.partial(not_async), print, mock.Mock()],
    ids=["function", "partial", "built-in", "mock"],
)
def test_what_is_plain_is_a_handler_too(good):
    check_handler(good)
    assert not is_async(good)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Handler, "handler Handler is not async: create an instance of it"),
        (functools.partial(Handler), "handler Handler is not async: create an instance of it"),
        (generator, "handler generator is not async: it yields, which a handler must not"),
        (plain_generator, "plain_generator is not async: it yields, which a handler must not"),
        (None, "a handler must be a function, got None"),
        ("handler", "a handler must be a function, got 'handler'"),
    ],
)
def test_what_is_no_function_is_no_handler(wrong, message):
    with pytest.raises(ConfigurationError) as caught:
        check_handler(wrong)
    assert str(caught.value).endswith(message)


class Yielding:
    async def __call__(self, items):
        yield items


@pytest.mark.parametrize("wrong", [generator, functools.partial(generator), Yielding()])
def test_an_async_generator_is_told_that_it_must_not_yield(wrong):
    assert streams(wrong)
    with pytest.raises(ConfigurationError, match="it yields, which a handler must not"):
        check_handler(wrong)


@pytest.mark.parametrize("other", [Handler(), Yielding, not_async, print, None])
def test_what_only_makes_generators_or_none_does_not_yield(other):
    assert not streams(other)


@pytest.mark.parametrize("names", [["a", "b"], ("a", "b"), iter(["a", "b"]), {"a": 1, "b": 2}])
def test_names_come_in_any_iterable_and_keep_their_order(names):
    assert check_names(names) == ("a", "b")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("orders", "routes must be a list: write ['orders'], not 'orders'"),
        (5, "routes must be a list of names, got 5"),
        (None, "routes must be a list of names, got None"),
        (len, "routes are missing: write @app.route([...], type=...) on len"),
        ([], "routes is empty: name at least one"),
        ((), "routes is empty: name at least one"),
        ([""], "each of routes must be a non-empty string, got ''"),
        (["a", None], "each of routes must be a non-empty string, got None"),
        ([b"a"], "each of routes must be a non-empty string, got b'a'"),
        (["a", "b", "a"], "'a' is in routes twice: name it once"),
    ],
)
def test_wrong_names_are_an_error_that_shows_them(wrong, message):
    with pytest.raises(ConfigurationError) as caught:
        check_names(wrong)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "good",
    [
        handler,
        Handler(),
        Handler().method,
        lambda *items: items,
        lambda a, b=1: (a, b),
        mock.AsyncMock(),
    ],
)
def test_a_handler_takes_one_argument(good):
    check_takes(good, "the items")


@pytest.mark.parametrize("wrong", [lambda: None, lambda a, b: (a, b), lambda *, a: a])
def test_a_handler_that_cannot_be_called_with_one_argument_is_an_error(wrong):
    with pytest.raises(
        ConfigurationError, match=r"handler .*<lambda> cannot be called with the items alone: "
    ):
        check_takes(wrong, "the items")


def test_what_has_no_signature_is_given_the_benefit_of_the_doubt():
    check_takes({}.update, "the items")


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (handler, "handler"),
        (Handler(), "Handler"),
        (Handler().method, "Handler.method"),
        (functools.partial(handler), "handler"),
    ],
)
def test_a_handler_is_named_by_what_the_user_wrote(function, name):
    assert name_of(function) == name


def test_a_route_names_its_handler():
    route = Route(
        type=RouteTypes.SSE, routes=("a",), handler=Handler().method, options=RouteOptions()
    )
    assert route.handler_name == "Handler.method"


def test_a_route_is_frozen():
    route = Route(type=RouteTypes.SSE, routes=("a",), handler=handler, options=RouteOptions())
    with pytest.raises(AttributeError):
        route.routes = ("b",)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated at once")
def test_annotations_may_name_what_only_type_checkers_know():
    async def handler(items: Unknown) -> Unknown: ...  # noqa: F821

    check_takes(handler, "the items")
