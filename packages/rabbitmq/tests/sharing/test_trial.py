"""What `asyncworker check` tells of shards."""

import uuid

import pytest
from aio_pika.exceptions import ChannelNotFoundEntity

from asyncworker import App, RouteTypes
from asyncworker.backend import Remark
from asyncworker.rabbitmq import AMQPConnection, Shards
from asyncworker.rabbitmq.backend import backend
from asyncworker.rabbitmq.sharing.trial import TRIAL


@pytest.fixture
def user(private_node):
    """A user who may do all but agree with others on who has which shard."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    private_node.ctl("add_user", name, "secret")
    private_node.ctl("set_permissions", name, "^test-", "^(test-|amq\\.default)", "^test-")
    yield name
    private_node.ctl("delete_user", name)


async def checked(shards, url, **login):
    app = App(connections=[AMQPConnection(url=url, **login)])

    @app.route([shards], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    return await backend.check(app, app.routes)


async def test_tells_nothing_where_all_is_well(shards, amqp_url):
    assert await checked(shards, amqp_url) == []
    async with AMQPConnection(url=amqp_url).channel() as channel:
        for name in (shards.exchange_name, TRIAL):
            with pytest.raises(ChannelNotFoundEntity):
                await channel.get_exchange(name)
            await channel.reopen()


async def test_tells_of_shards_that_are_too_many(shards, amqp_url, declare):
    await declare(f"{shards.name}.3")
    few = Shards(shards.queue, 3, by="key")
    [remark] = await checked(few, amqp_url)
    assert isinstance(remark, Remark)
    assert remark.startswith(f"queue '{shards.name}.3', vhost '/': it is there from a larger ")


async def test_tells_of_a_permission_that_is_missing(shards, private_node, user, logs, limit):
    url = f"amqp://{user}:secret@127.0.0.1:{private_node.port}/"
    [problem] = await checked(shards, url)
    assert problem.startswith(f"shards of '{shards.name}', vhost '/': ACCESS_REFUSED")
    assert problem.endswith(
        ": whoever shares shards needs configure access to asyncworker.shards.*"
    )
