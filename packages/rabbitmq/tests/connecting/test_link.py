"""One connection, shared and opened again."""

import asyncio
from dataclasses import replace

import pytest
from yarl import URL

from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.errors import BrokerError
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
async def link(amqp_url):
    link = Link(AMQPConnection(url=amqp_url).broker, "/")
    yield link
    await link.close()


async def test_opens_one_connection_for_all_who_ask_at_once(link, logs):
    await asyncio.gather(*(link.open_channel(confirms=False) for _ in range(20)))
    assert len(logs.matching("connected to")) == 1


async def test_a_connection_that_closes_as_a_channel_is_opened_is_a_broker_error(link, logs):
    channel = await link.open_channel(confirms=False)
    closing = asyncio.ensure_future(channel.underlay.connection.close())
    results = []
    while not closing.done():
        results.append(
            await asyncio.gather(link.open_channel(confirms=False), return_exceptions=True)
        )
    await closing

    errors = [result for (result,) in results if isinstance(result, BaseException)]
    assert [error for error in errors if not isinstance(error, BrokerError)] == []
    await link.open_channel(confirms=False)


async def test_a_closed_connection_whose_end_is_not_yet_noticed_is_a_broker_error(link):
    channel = await link.open_channel(confirms=False)
    closed = channel.underlay.connection
    await closed.close()
    # What the library does a moment later.
    link._connection.connected.set()
    with pytest.raises(BrokerError):
        await link.open_channel(confirms=False)
    link._connection.connected.clear()
    await link.open_channel(confirms=False)


async def test_a_number_is_given_again_only_when_all_others_have_been(link):
    """What the broker has still to say to a closed channel is not for the next one."""
    first = await link.open_channel(confirms=False)
    connection = first.underlay.connection
    connection.connection_tune.channel_max = 4
    kept = await link.open_channel(confirms=False)
    numbers = []
    for _ in range(5):
        async with link.channel() as channel:
            numbers.append(channel.underlay.number)
    assert (first.underlay.number, kept.underlay.number) == (1, 2)
    assert numbers == [3, 4, 3, 4, 3]


async def test_more_channels_than_the_broker_accepts_end_no_other(link):
    opened = [await link.open_channel(confirms=False)]
    opened[0].underlay.connection.connection_tune.channel_max = 3
    opened += [await link.open_channel(confirms=False) for _ in range(2)]
    with pytest.raises(BrokerError, match=r"all 3 channels .* are in use: raise channel_max"):
        await link.open_channel(confirms=False)
    assert not any(channel.is_lost for channel in opened)

    await opened[1].underlay.close()
    assert (await link.open_channel(confirms=False)).underlay.number == 2


async def test_a_discarded_channel_is_closed(link):
    channel = await link.open_channel(confirms=False)
    link.discard(channel)
    assert await asyncio.wait([channel.underlay.closing])
    assert not channel.underlay.connection.is_closed


async def test_a_slow_link_closes_a_channel_once(amqp_url, path, monkeypatch):
    """For a second time the broker would end the connection."""
    if path == "memory":
        pytest.skip("memory has no links")
    monkeypatch.setattr("asyncworker.rabbitmq.connecting.link.CLOSE_TIMEOUT", 0.05)
    url = URL(amqp_url)
    async with Proxy.to(url.port) as proxy:
        link = Link(AMQPConnection(url=str(url.with_port(proxy.port))).broker, "/")
        other = await link.open_channel(confirms=False)
        async with link.channel() as channel:
            proxy.delay = 0.1
        await asyncio.wait([channel.underlay.closing])
        # The broker answers in order: what it says to that channel would come first.
        await other.underlay.basic_qos(prefetch_count=1)
        await other.underlay.basic_qos(prefetch_count=1)
        await link.close()


async def test_a_quiet_connection_without_heartbeats_is_closed_in_words(amqp_url, clock, caplog):
    """To the library a broker that said nothing of late is gone, even where nothing is to say."""
    link = Link(replace(AMQPConnection(url=amqp_url).broker, heartbeat=0), "/")
    await link.open_channel(confirms=False)
    await clock.advance(10)
    with caplog.at_level("WARNING", "aiormq"):
        await link.close()
    assert caplog.messages == []
