"""What handlers of messages and schedules return, and nothing takes."""

import asyncio

import pytest

from asyncworker import App
from asyncworker.dispatch import Dispatcher


async def coroutine(): ...


def generator():
    yield


async def async_generator():
    yield


@pytest.mark.filterwarnings("ignore:coroutine 'coroutine' was never awaited")
@pytest.mark.parametrize(
    ("returned", "level", "line"),
    [
        (lambda: {"password": "s3cret"}, "WARNING", "dict: nothing takes it, here and later"),
        (lambda: False, "WARNING", "bool: nothing takes it, here and later"),
        (coroutine, "ERROR", "the coroutine coroutine, which never runs: await it"),
        (generator, "ERROR", "the generator generator, which never runs: loop over it"),
        (async_generator, "ERROR", "the generator async_generator, which never runs: loop over it"),
        (asyncio.Future, "ERROR", "Future, which nothing awaits: await it"),
    ],
)
async def test_is_told_once(returned, level, line, logs):
    async def work(batch):
        return returned()

    settled = []
    async with Dispatcher(work, lambda *outcome: settled.append(outcome), 1) as dispatcher:
        for number in range(3):
            dispatcher.submit([number])
    assert settled == [([0], None), ([1], None), ([2], None)]
    (record,) = logs.records
    assert (record.levelname, record.getMessage().partition(" returned ")[2]) == (level, line)
    assert record.getMessage().startswith("handler test_is_told_once.<locals>.work returned")


async def test_nothing_is_told_of_none(logs):
    async def work(batch): ...

    async with Dispatcher(work, lambda *_: None, 1) as dispatcher:
        dispatcher.submit([1])
    assert logs.records == []


async def test_a_schedule_is_named_as_its_handler(logs):
    app = App()

    @app.run_every(3600)
    async def tidy():
        return 7

    async with app.started():
        await logs.wait("tidy returned int: nothing takes it")
