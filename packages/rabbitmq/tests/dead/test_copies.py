"""A message that died and is replayed: its handler sees what it saw first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic

from asyncworker.rabbitmq.amqp.properties import EXPIRATION, HEADERS, read_headers, split_properties
from asyncworker.rabbitmq.amqp.tables import read_table
from asyncworker.rabbitmq.dead.copies import kept, replayed
from asyncworker.rabbitmq.dead.letter import read_letter
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.retrying.rewritten import next_attempt

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20)
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXTS
    | st.binary(max_size=20).map(bytearray)
    | st.none()
    | st.datetimes(datetime(1971, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
        lambda one: one.replace(microsecond=0, tzinfo=UTC)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
OWN = st.dictionaries(
    NAMES.filter(lambda one: not one.startswith(("x-", "CC", "BCC"))), VALUES, max_size=5
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.sampled_from(["application/json", "text/plain"]),
        "correlation_id": NAMES,
        "message_id": NAMES,
        "reply_to": NAMES,
        "message_type": NAMES,
        "app_id": NAMES,
        "priority": st.integers(0, 9),
        "delivery_mode": st.sampled_from([1, 2]),
        "timestamp": st.just(NOW),
        "user_id": NAMES,
        "expiration": st.sampled_from(["1", "60000"]),
    },
)
ADDRESSES = st.tuples(st.sampled_from(["", "events", "año"]), st.sampled_from(["orders", "a.b"]))
SEEN = ("exchange", "routing_key", "attempt", "message_id", "content_type", "correlation_id")
SEEN += ("reply_to", "type", "app_id", "user_id", "priority", "delivery_mode", "timestamp")
SEEN += ("expiration", "delivery_count")
OF_OURS = ("x-asyncworker-", "x-death", "x-first-death-", "x-last-death-")


def delivered(properties, address, queue="orders"):
    """A message as a handler is given it."""
    message = RabbitMQMessage.__new__(RabbitMQMessage)
    exchange, key = (text.encode() for text in address)
    arguments = (
        b"\x01q"
        + (7).to_bytes(8, "big")
        + b"\0"
        + bytes([len(exchange)])
        + exchange
        + bytes([len(key)])
        + key
    )
    message.content = (0, arguments, properties, b"1")
    message.raw_body, message.queue = b"1", queue
    return message


def seen(message):
    return {name: getattr(message, name) for name in SEEN}


def own_headers(message):
    return {name: value for name, value in message.headers.items() if not name.startswith(OF_OURS)}


def marshalled(properties, headers):
    return Basic.Properties(**properties, **({"headers": headers} if headers else {})).marshal()


def death(address, expiration=None, reason="rejected"):
    told = {
        "queue": "orders",
        "reason": reason,
        "exchange": address[0],
        "routing-keys": [address[1]],
        "time": NOW,
        "count": 1,
    }
    return told if expiration is None else {**told, "original-expiration": expiration}


def died(properties, headers, address):
    """The properties of a message as the broker dead-letters it."""
    rest = {name: value for name, value in properties.items() if name != "expiration"}
    told = {
        **headers,
        "x-death": [death(address, properties.get("expiration"))],
        "x-first-death-exchange": address[0],
        "x-first-death-queue": "orders",
        "x-first-death-reason": "rejected",
        "x-last-death-queue": "orders",
        "x-delivery-count": 3,
        "x-acquired-count": 4,
    }
    return marshalled(rest, told)


def given_up(properties, headers, address):
    """The properties of a message as a worker dead-letters it, after three attempts."""
    message = delivered(marshalled(properties, headers), address)
    for _ in range(2):
        waiting = next_attempt(message, "orders", None)
        message = delivered(waiting.header, ("", "orders"))
    again = next_attempt(message, "orders.dead", None)
    parts = split_properties(again.header)
    told = {
        **read_headers(parts[HEADERS]),
        "x-asyncworker-error": "OSError: busy",
        "x-asyncworker-queue": "orders",
        "x-asyncworker-attempts": 3,
        "x-asyncworker-failed-at": NOW.isoformat(),
    }
    kept_on = {
        name: value for name, value in properties.items() if name not in ("user_id", "expiration")
    }
    return marshalled(kept_on, told)


@pytest.mark.parametrize("end", [died, given_up])
@given(properties=PROPERTIES, headers=OWN, address=ADDRESSES)
def test_a_handler_sees_what_it_saw_first(end, properties, headers, address):
    first = delivered(marshalled(properties, headers), address)
    letter = read_letter(end(properties, headers, address), b"1")
    assert letter.queue == "orders"
    assert (letter.exchange, letter.routing_key) == address

    outgoing = replayed(letter, "orders")
    again = delivered(outgoing.header, (outgoing.exchange, outgoing.routing_key))
    assert seen(again) == seen(first)
    assert own_headers(again) == own_headers(first)
    assert (outgoing.body, outgoing.mandatory, outgoing.routing_key) == (b"1", True, "orders")
    left = set(again.headers) - set(first.headers)
    assert left <= {
        "x-asyncworker-exchange",
        "x-asyncworker-routing-key",
        "x-asyncworker-expiration",
        "x-asyncworker-user-id",
    }


@given(properties=PROPERTIES, headers=OWN, address=ADDRESSES)
def test_a_dead_letter_that_is_kept_alive_tells_the_same(properties, headers, address):
    letter = read_letter(died(properties, headers, address), b"1")
    again = read_letter(kept(letter, "orders.dead").header, b"1")
    for name in ("error", "reason", "queue", "exchange", "routing_key", "failed_at", "message_id"):
        assert getattr(again, name) == getattr(letter, name)
    assert read_headers(split_properties(replayed(again, "orders").header).get(HEADERS, b"")) == (
        read_headers(split_properties(replayed(letter, "orders").header).get(HEADERS, b""))
    )
    assert b"x-delivery-count" not in read_table(split_properties(again.properties)[HEADERS])


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_whatever_the_properties_are_a_letter_is_read(properties, body):
    letter = read_letter(properties, body)
    assert letter.raw_body == body
    assert isinstance(letter.headers, dict)
    assert letter.body is not None or body == b"null"


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "x-death",
                "x-asyncworker-error",
                "x-asyncworker-queue",
                "x-asyncworker-failed-at",
                "x-asyncworker-attempts",
                "x-asyncworker-exchange",
                "x-asyncworker-routing-key",
            ]
        ),
        VALUES,
    )
)
def test_whatever_the_headers_say_a_letter_is_read_and_replayed(headers):
    letter = read_letter(marshalled({}, headers), b"1")
    assert isinstance(letter.error, str | None)
    assert letter.age(NOW) is None or letter.failed_at is not None
    assert replayed(letter, "orders").routing_key == "orders"


def test_what_sends_a_message_elsewhere_does_not_do_so_again():
    letter = read_letter(marshalled({}, {"CC": ["other"], "BCC": ["third"], "a": 1}), b"1")
    headers = read_headers(split_properties(replayed(letter, "orders").header)[HEADERS])
    assert headers == {"a": 1, "x-asyncworker-cc": ["other"], "x-asyncworker-bcc": ["third"]}


def test_what_expired_does_not_expire_again():
    told = {"x-death": [death(("", "orders"), "5000", "expired")]}
    outgoing = replayed(read_letter(marshalled({}, told), b"1"), "orders")
    assert delivered(outgoing.header, ("", "orders")).expiration == 5
    assert EXPIRATION not in split_properties(outgoing.header)


async def test_a_message_that_is_replayed_is_a_first_attempt_for_its_handler(
    path, connection, dead, written, source, inbox
):
    from asyncworker import App, RouteTypes

    await written("OSError: busy", b"1", message_id="one", headers={"tenant": "x"})
    app = App(connections=[connection])
    app.route([source], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        assert (await dead.replay()).done == 1
        (message,) = await inbox.batch()
    assert message.attempt == 1
    assert (message.exchange, message.routing_key) == ("amq.topic", "orders.new")
    assert (message.message_id, message.redelivered) == ("one", False)
    assert message.headers == {
        "tenant": "x",
        "x-asyncworker-exchange": "amq.topic",
        "x-asyncworker-routing-key": "orders.new",
    }


@pytest.mark.parametrize("reason", ["expired", "maxlen"])
async def test_the_broker_says_why_and_since_when(
    path, connection, declare, name, publish, holds, reason
):
    from asyncworker.rabbitmq.dead import DeadQueue

    dead_name = await declare(f"{name}.dead")
    rule = {"x-message-ttl": 1} if reason == "expired" else {"x-max-length": 1}
    to = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_name}
    queue = await declare(name, **rule, **to)
    await publish(queue, b"1", b"2", expiration=timedelta(hours=1))
    await holds(dead_name, 2 if reason == "expired" else 1)

    dead = DeadQueue(connection, dead_name)
    letter = (await dead.show())[0]
    assert (letter.reason, letter.queue, letter.error) == (reason, name, None)
    assert abs((datetime.now(UTC) - letter.failed_at).total_seconds()) < 60
    summary = await dead.summary()
    assert summary.groups[0].reason == reason
