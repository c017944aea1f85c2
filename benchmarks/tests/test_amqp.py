from concurrent.futures import ThreadPoolExecutor

import pytest
from amqp import Message, NotFound
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.amqp import TIMEOUT, Client

QUEUE = "test-benchmarks"


@given(st.data())
def test_counts_confirms_that_come_in_any_order_single_or_together(data):
    total = data.draw(st.integers(1, 30))
    left = set(range(1, total + 1))
    client = Client("amqp://host/")
    client._unconfirmed = set(left)
    while left:
        tag = data.draw(st.sampled_from(sorted(left)))
        multiple = data.draw(st.booleans())
        client._on_confirm(tag, multiple)
        left -= set(range(1, tag + 1)) if multiple else {tag}
        assert client._unconfirmed == left


@pytest.fixture
def client(amqp_url):
    with Client(amqp_url) as client:
        client.declare(QUEUE)
        yield client
        client.delete(QUEUE)


@pytest.mark.parametrize(("count", "size"), [(12_345, 200), (3, 20_000), (2, 300_000)])
def test_a_filled_queue_holds_every_message(client, count, size):
    client.fill(QUEUE, count, b"1" * size, {"task_id": "1"})
    assert client.depth(QUEUE) == count
    assert client.consumers(QUEUE) == 0


def test_messages_that_are_not_waited_for_arrive(client):
    for _ in range(100):
        client.send(QUEUE, b"1")
    client.fill(QUEUE, 1, b"1")
    assert client.depth(QUEUE) == 101


def test_a_new_queue_is_empty(client):
    client.fill(QUEUE, 5, b"1")
    client.declare(QUEUE)
    assert client.depth(QUEUE) == 0


def test_answers_each_question_until_a_message_wants_no_answer(client, amqp_url):
    answers = []
    channel = client._connection.channel()
    direct = "amq.rabbitmq.reply-to"
    channel.basic_consume(direct, callback=answers.append, no_ack=True)
    with Client(amqp_url) as other, ThreadPoolExecutor() as threads:
        answered = threads.submit(other.answer, QUEUE)
        for number in ("1", "2"):
            question = Message(number.encode(), correlation_id=number, reply_to=direct)
            channel.basic_publish(question, routing_key=QUEUE)
        while len(answers) < 2:
            client._connection.drain_events(TIMEOUT)
        client.send(QUEUE, b"")
        assert answered.result() == 2
    # The broker keeps no order among answers.
    assert {answer.body: answer.properties for answer in answers} == {
        b"1": {"correlation_id": "1"},
        b"2": {"correlation_id": "2"},
    }


def test_says_what_the_broker_refused(client, amqp_url):
    with Client(amqp_url) as other, pytest.raises(NotFound):
        other.depth("test-benchmarks-that-is-not-there")


def test_refuses_an_address_that_it_cannot_use():
    with pytest.raises(ValueError, match="without TLS"):
        Client("amqps://host/")
