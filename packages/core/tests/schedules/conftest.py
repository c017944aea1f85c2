"""An app without routes, jobs, and a clock that stands still."""

import pytest

from asyncworker import App
from packages.core.tests.schedules.handlers import Job


@pytest.fixture
async def clock(still_clock):
    return still_clock


@pytest.fixture
def app():
    return App()


@pytest.fixture
async def job():
    return Job()


@pytest.fixture
async def long_job():
    return Job(lasts=True)
