"""Where routes publish what their handlers return: refused where it is written, and checked."""

import pytest

from asyncworker import Actions, Events
from asyncworker.backend import Remark
from asyncworker.cli.checkup import problems_of
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Binding, Exchange, Queue, Target

pytestmark = pytest.mark.usefixtures("path")


async def bill(messages):
    return [1]


@pytest.mark.parametrize(
    ("publish_to", "complaint"),
    [
        (5, "publish_to must be a queue's name, a Queue or a Target, got 5"),
        ("", "publish_to: queue: name must be a non-empty string"),
        (["a"], r"publish_to must be .*, got \['a'\]"),
    ],
)
def test_refuses_what_is_no_target_at_decoration(app, publish_to, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        app.route(["a"], publish_to=publish_to)(bill)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "a Target needs routing_key="),
        ((5,), "target: routing_key must be a string, got 5"),
        (("a" * 256,), "target: routing_key has at most 255 bytes"),
        (("a", 5), "exchange: name must be a string, got 5"),
        (("a", "b" * 128), "exchange: name has at most 127 bytes"),
    ],
)
def test_refuses_a_target_that_cannot_be_where_it_is_written(arguments, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        Target(*arguments)


def test_refuses_a_handler_that_says_it_returns_nothing(app):
    async def silent(messages) -> None: ...

    async def quoted(messages) -> "None": ...

    def plain(messages) -> None: ...

    for handler in (silent, quoted, plain):
        with pytest.raises(ConfigurationError, match=f"{handler.__name__}: .* says -> None"):
            app.route(["a"], publish_to="b")(handler)
        assert app.route(["a"])(handler) is handler


async def test_the_check_tells_of_targets_that_are_missing(app, queue, admin):
    app.route([queue], publish_to="nobody-has-this")(bill)
    app.route([queue], publish_to=Target("", "nobody-has-this"))(bill)
    app.route([queue], publish_to=Target("", "amq.topic"))(bill)
    # These are declared when the app starts.
    bound = Binding(Exchange(f"{queue}.x"))
    app.route([Queue(f"{queue}.a", bind=[bound])], publish_to=Queue(f"{queue}.b"))(bill)
    app.route([queue], publish_to=f"{queue}.a")(bill)
    app.route([queue], publish_to=Target("", f"{queue}.x"))(bill)

    problems = [line for line in await problems_of(app, 30) if not isinstance(line, Remark)]

    assert problems == [
        (
            "queue 'nobody-has-this', vhost '/': the queue does not exist: create it, or pass "
            "Queue('nobody-has-this') to have it declared"
        ),
        "exchange 'nobody-has-this', vhost '/': it does not exist, and a handler publishes to it",
    ]


@pytest.mark.parametrize("action", [Actions.REJECT, Actions.REQUEUE])
def test_refuses_messages_that_are_not_acknowledged_when_their_handler_succeeded(app, action):
    with pytest.raises(ConfigurationError, match=f"ON_SUCCESS is {action}: leave one of them out"):
        app.route(["a"], publish_to="b", options={Events.ON_SUCCESS: action})(bill)
