"""Many messages on their way at once, when connections are lost and some are refused."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import aio_pika
import pytest
from aiormq.exceptions import ChannelClosed

from asyncworker.rabbitmq import AMQPConnection, PublishRejected, Unroutable
from asyncworker.rabbitmq.errors import broker_errors
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")


async def test_another_thread_may_begin_to_publish_at_any_moment(connection):
    async def ask():
        return connection.publisher("/")

    class ClosedLoop:
        def is_closed(self):
            other.start()
            # As far as it comes.
            other.join(0.2)
            return True

    asked = []
    other = Thread(target=lambda: asked.append(asyncio.run(ask())))
    connection._publishers[ClosedLoop()] = {}
    own = connection.publisher("/")
    await asyncio.to_thread(other.join)
    assert own is connection.publisher("/")
    assert len({own, *asked}) == 2


def test_publishes_from_several_threads_at_once(connection):
    async def publish():
        await connection.put(body=1, routing_key="nowhere", mandatory=False)
        await connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(asyncio.run, publish()) for _ in range(8)]:
            done.result()


async def test_opens_one_connection_for_each_vhost_however_many_ask_at_once(private_node):
    await asyncio.to_thread(private_node.add_vhost, "b")
    async with AMQPConnection(url=private_node.url, name="counted") as connection:
        await asyncio.gather(
            *(
                connection.put(body=1, routing_key="q", vhost=vhost, mandatory=False)
                for vhost in ("/", "b") * 50
            )
        )
        listed = await asyncio.to_thread(
            private_node.ctl, "list_connections", "vhost", "client_properties"
        )
    mine = [row.split("\t")[0] for row in listed.splitlines() if '"counted"' in row]
    assert sorted(mine) == ["/", "b"]


async def test_publishes_again_what_was_not_confirmed_when_the_connection_was_lost(
    private_node, limit
):
    """Closing connections again and again, while 2,000 messages go out, loses none."""
    url = private_node.url
    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        await channel.declare_queue("unconfirmed", durable=True)
    async with AMQPConnection(url=url) as connection:
        done = asyncio.Event()

        async def cut():
            while not done.is_set():
                await asyncio.to_thread(private_node.ctl, "close_all_connections", "on purpose")

        async def publish(worker):
            for number in range(100):
                body = worker * 100 + number
                await connection.put(body=body, routing_key="unconfirmed", timeout=limit)

        async with asyncio.TaskGroup() as group:
            group.create_task(cut())
            publishers = [group.create_task(publish(worker)) for worker in range(20)]
            await asyncio.wait(publishers)
            done.set()

    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        queue = await channel.get_queue("unconfirmed")
        found = set()
        while message := await queue.get(no_ack=True, fail=False):
            found.add(int(message.body))
        await queue.delete()
    assert found == set(range(2000))


async def test_a_refused_message_does_not_take_others_with_it(connection, queue, get):
    bad = [
        connection.put(body="bad", routing_key=queue, properties={"expiration": "soon"})
        for _ in range(3)
    ]
    good = [connection.put(body=number, routing_key=queue) for number in range(20)]
    results = await asyncio.gather(*good[:10], *bad, *good[10:], return_exceptions=True)

    assert [type(result) for result in results[10:13]] == [PublishRejected] * 3
    assert results[:10] + results[13:] == [None] * 20
    found = set()
    while len(found) < 20:
        found.add(int((await get(queue)).body))


@pytest.mark.parametrize("guilty", ["invalid", "forbidden", "without exchange"])
async def test_of_many_in_flight_on_a_slow_link_only_the_refused_ones_fail(private_node, guilty):
    """Asked about one after the other, all would take longer than they have."""
    arguments, error, count = {
        "invalid": ({"properties": {"expiration": "soon"}}, PublishRejected, 1),
        "forbidden": ({"exchange": "test-internal"}, PublishRejected, 20),
        "without exchange": ({"exchange": "test-gone"}, Unroutable, 20),
    }[guilty]
    async with (
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
        Proxy.to(private_node.port) as proxy,
        AMQPConnection(f"127.0.0.1:{proxy.port}") as connection,
    ):
        await channel.declare_queue("many", auto_delete=True)
        await channel.declare_exchange("test-internal", internal=True, auto_delete=True)
        await channel.declare_exchange("test-gone")
        await connection.put(body=0, exchange="test-gone", mandatory=False)
        await channel.exchange_delete("test-gone")
        proxy.delay = 0.05
        results = await asyncio.gather(
            *(
                connection.put(
                    body=number,
                    routing_key="many",
                    **(arguments if number % (300 // count) == 7 else {}),
                )
                for number in range(300)
            ),
            return_exceptions=True,
        )
        await channel.exchange_delete("test-internal")
        await channel.queue_delete("many")
    expected = [error if number % (300 // count) == 7 else type(None) for number in range(300)]
    assert [type(result) for result in results] == expected


@pytest.mark.parametrize("which", ["all publish on", "one publishes on alone", "asks on"])
async def test_a_channel_that_ends_without_a_reason_refuses_nothing(
    connection, queue, depth, monkeypatch, which
):
    """As one does to which the broker says what it had to say to another of its number."""
    refused = {"body": 0, "routing_key": queue, "properties": {"expiration": "soon"}}
    await connection.put(body=0, exchange="amq.fanout", mandatory=False)
    both = connection.put(**refused), connection.put(body=0, routing_key=queue)
    await asyncio.gather(*both, return_exceptions=True)
    await connection.put(body=0, routing_key=queue)
    publisher = connection.publisher("/")
    owner, name = {
        "all publish on": (publisher._channel, "publish"),
        "one publishes on alone": (publisher._alone._idle[0], "publish"),
        "asks on": (publisher._probe._idle[0].underlay, "rpc"),
    }[which]
    ended = []

    async def end(*arguments):
        monkeypatch.undo()
        with broker_errors():
            ended.append(True)
            raise ChannelClosed(None, None)

    monkeypatch.setattr(owner, name, end)
    both = connection.put(**refused), connection.put(body=1, routing_key=queue)
    results = await asyncio.gather(*both, return_exceptions=True)
    await connection.put(body=1, exchange="amq.direct", mandatory=False)

    assert "invalid expiration" in str(results[0])
    assert results[1] is None
    assert ended == [True]
