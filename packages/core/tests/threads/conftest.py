"""A pool, and a function that lasts until the end of the test at the most."""

import pytest

from asyncworker.threads.pool import Pool
from packages.core.tests.threads.gate import Gate


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.release.set()
    gate.wait_for_none()


@pytest.fixture
def pool():
    pool = Pool("handler store")
    yield pool
    pool.end()
