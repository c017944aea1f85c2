"""Questions whose connection is lost: asked again, or failed at once, as is safe."""

import asyncio

import pytest

from asyncworker.rabbitmq import AMQPConnection, AskFailed, AskTimeout
from tests.contract.client import LIMIT
from tests.faults.proxy import Proxy
from tests.faults.waiting import until

pytestmark = pytest.mark.usefixtures("path")

LOST = "the answer cannot come any more, and it is unknown whether the question was handled"


@pytest.fixture
async def proxy(private_node):
    async with Proxy.to(private_node.port) as proxy:
        yield proxy


@pytest.fixture
async def by_proxy(proxy):
    """A connection that the test may cut."""
    async with AMQPConnection(url=f"amqp://guest:guest@127.0.0.1:{proxy.port}/") as connection:
        yield connection


@pytest.fixture
def asking(by_proxy, queue):
    """Asks, by a connection that is open already and a channel that is used already."""

    def ask(body, **options):
        return asyncio.create_task(by_proxy.ask(body, queue, **options))

    return ask


async def exchanged(ask, questions, answer):
    """See that questions are answered."""
    asked = ask("once")
    await answer(await questions(), b"1")
    assert 1 == (await asked).body


async def until_sent(connection, count):
    channel = connection.asker("/")._publisher._channel
    await until(lambda: len(channel._waiting) == count, "the questions were not sent")


async def test_what_the_broker_has_confirmed_fails_at_once(proxy, asking, questions, answer):
    await exchanged(asking, questions, answer)
    asked = [asking(number, timeout=3600) for number in range(20)]
    received = [await questions() for _ in asked]
    proxy.cut()
    async with asyncio.timeout(LIMIT):
        for one in asked:
            with pytest.raises(AskFailed, match=LOST) as failed:
                await one
            assert not isinstance(failed.value, AskTimeout)
    for question in received:
        await answer(question, b"2")
    await exchanged(asking, questions, answer)


async def test_what_the_broker_has_not_confirmed_is_asked_again(
    proxy, by_proxy, asking, questions, answer
):
    await exchanged(asking, questions, answer)
    proxy.stall()
    asked = [asking(number, message_id=f"m-{number}") for number in range(20)]
    await until_sent(by_proxy, len(asked))
    proxy.cut()
    proxy.flow()
    ids = set()
    while len(ids) < len(asked):
        question = await questions()
        ids.add(question.message_id)
        await answer(question, question.body)
    assert list(range(20)) == [(await one).body for one in asked]
    assert {f"m-{number}" for number in range(20)} == ids
    await exchanged(asking, questions, answer)


async def test_a_confirm_that_is_lost_has_the_same_message_asked_again(
    proxy, asking, questions, answer
):
    await exchanged(asking, questions, answer)
    proxy.delay = 0.5
    asked = asking("twice")
    first = await questions()
    # The confirm is on its way, as long as the question was.
    proxy.cut()
    proxy.delay = 0
    second = await questions()
    assert (first.message_id, first.correlation_id) == (second.message_id, second.correlation_id)
    assert first.reply_to != second.reply_to
    await answer(first, b"1")
    await answer(second, b"2")
    assert 2 == (await asked).body


async def test_a_connection_that_never_comes_back_ends_in_time(proxy, asking, questions, answer):
    await exchanged(asking, questions, answer)
    proxy.stall()
    asked = asking("lost", timeout=0.5)
    with pytest.raises(AskTimeout, match="unknown whether the broker has it"):
        await asked


async def test_a_cancellation_as_the_link_is_lost_leaves_nothing(proxy, asking, questions, answer):
    await exchanged(asking, questions, answer)
    asked = asking(1)
    await questions()
    proxy.cut()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await exchanged(asking, questions, answer)
