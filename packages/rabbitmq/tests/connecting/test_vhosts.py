"""Names of vhosts: what looks like a path in one is a part of the name."""

import aio_pika
import aiormq
import pytest

from asyncworker.rabbitmq import AMQPConnection, BrokerError


@pytest.mark.parametrize("vhost", ["..", "a/../b", "./a", "//", "a%2fb ?#@é"])
async def test_reach_the_broker_as_they_are_given(monkeypatch, amqp_url, vhost):
    asked = []
    connect = aio_pika.Connection.connect

    async def spy(self, timeout=None):
        asked.append(self.url)
        await connect(self, timeout)

    monkeypatch.setattr(aio_pika.Connection, "connect", spy)
    with pytest.raises(BrokerError, match="does not exist"):
        async with AMQPConnection(url=amqp_url).channel(vhost):
            pass
    (url,) = asked
    assert aiormq.Connection(url).vhost == vhost
