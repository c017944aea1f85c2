"""Other clients on either side: pika and kombu ask us, and answer us."""

import asyncio
import json
import threading
import uuid

import kombu
import pika
import pytest

from asyncworker import Actions, Events, RouteTypes
from asyncworker.rabbitmq.amqp.methods import REPLY_TO
from tests.contract.client import LIMIT

pytestmark = pytest.mark.usefixtures("private_node")


class Pika:
    """As its guide of remote procedure calls has it."""

    def ask(self, url, queue, body):
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()
        answers = []

        def take(channel, method, properties, body):
            answers.append((properties.correlation_id, dict(properties.headers or {}), body))

        channel.basic_consume(REPLY_TO, take, auto_ack=True)
        asked = pika.BasicProperties(reply_to=REPLY_TO, correlation_id="pika-1")
        channel.basic_publish("", queue, body, asked)
        while not answers:
            connection.process_data_events(time_limit=LIMIT)
        connection.close()
        return answers

    def answer_one(self, url, queue, is_ready):
        answered = []
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()

        def take(channel, method, properties, body):
            answer = pika.BasicProperties(
                correlation_id=properties.correlation_id, content_type="application/json"
            )
            body = json.dumps({"client": "pika", "asked": json.loads(body)})
            channel.basic_publish("", properties.reply_to, body, answer)
            channel.basic_ack(method.delivery_tag)
            answered.append(body)

        channel.basic_consume(queue, take)
        is_ready.set()
        while not answered:
            connection.process_data_events(time_limit=LIMIT)
        connection.close()


class Kombu:
    """As its documentation has it: with a queue of its own for answers."""

    def ask(self, url, queue, body):
        answers = []
        with kombu.Connection(url) as connection:
            own = kombu.Queue(f"kombu-{uuid.uuid4().hex}", exclusive=True, auto_delete=True)

            def take(message):
                correlation_id = message.properties["correlation_id"]
                answers.append((correlation_id, dict(message.headers), message.body))
                message.ack()

            with kombu.Consumer(connection, own, on_message=take):
                kombu.Producer(connection).publish(
                    json.loads(body),
                    routing_key=queue,
                    serializer="json",
                    reply_to=own.name,
                    correlation_id="kombu-1",
                )
                while not answers:
                    connection.drain_events(timeout=LIMIT)
        return [(of, headers, _bytes(body)) for of, headers, body in answers]

    def answer_one(self, url, queue, is_ready):
        answered = []
        with kombu.Connection(url) as connection:

            def take(body, message):
                kombu.Producer(connection).publish(
                    {"client": "kombu", "asked": body},
                    routing_key=message.properties["reply_to"],
                    correlation_id=message.properties["correlation_id"],
                    serializer="json",
                )
                message.ack()
                answered.append(body)

            asked = kombu.Queue(queue, no_declare=True)
            with kombu.Consumer(connection, asked, callbacks=[take], accept=["json"]):
                is_ready.set()
                while not answered:
                    connection.drain_events(timeout=LIMIT)


class KombuDirect(Kombu):
    """By direct reply-to."""

    def ask(self, url, queue, body):
        answers = []
        with kombu.Connection(url) as connection:
            channel = connection.channel()
            own = kombu.Queue(REPLY_TO, no_declare=True, channel=channel)

            def take(message):
                correlation_id = message.properties["correlation_id"]
                answers.append((correlation_id, dict(message.headers), message.body))

            with kombu.Consumer(channel, own, on_message=take, no_ack=True):
                kombu.Producer(channel).publish(
                    json.loads(body),
                    routing_key=queue,
                    serializer="json",
                    reply_to=REPLY_TO,
                    correlation_id="kombu-2",
                )
                while not answers:
                    connection.drain_events(timeout=LIMIT)
        return [(of, headers, _bytes(body)) for of, headers, body in answers]


def _bytes(body):
    return body.encode() if isinstance(body, str) else bytes(body)


@pytest.fixture(params=[Pika, Kombu, KombuDirect])
def client(request):
    return request.param()


async def test_asks_us(app, amqp_url, queue, client):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True)
    async def handler(order: dict):
        return {"price": order["sku"] * 2}

    async with app.started():
        answers = await asyncio.to_thread(client.ask, amqp_url, queue, b'{"sku": 4}')
    [(correlation_id, _, body)] = answers
    assert correlation_id in {"pika-1", "kombu-1", "kombu-2"}
    assert {"price": 8} == json.loads(body)


async def test_asks_us_and_is_told_of_an_error(app, amqp_url, queue, client):
    options = {Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, replies=True, options=options)
    async def handler(order: dict):
        raise LookupError("no such order")

    async with app.started():
        answers = await asyncio.to_thread(client.ask, amqp_url, queue, b'{"sku": 4}')
    [(_, headers, body)] = answers
    assert "LookupError: no such order" == headers["x-asyncworker-error"]
    assert {"type": "LookupError", "message": "no such order"} == json.loads(body)


async def test_answers_us(connection, amqp_url, queue, client):
    is_ready = threading.Event()
    answering = asyncio.create_task(asyncio.to_thread(client.answer_one, amqp_url, queue, is_ready))
    assert await asyncio.to_thread(is_ready.wait, LIMIT)
    answer = await connection.ask({"sku": 4}, queue)
    assert {"sku": 4} == answer.body["asked"]
    assert answer.body["client"] in {"pika", "kombu"}
    await answering
