"""A pytest plugin: the fixture `worker` runs the app under test.

It lies outside of asyncworker, so that pytest can load it without importing that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncworker import App
    from asyncworker.testing import TestApp

SETTING = "asyncworker_app"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the app's name from pytest's configuration."""
    parser.addini(SETTING, "the app that the fixture `worker` runs, as module:app", default="")


@pytest.fixture
def asyncworker_app(pytestconfig: pytest.Config) -> App:
    """Return the app that `worker` runs: the one that `asyncworker_app` of the configuration names.

    Raises: UsageError
    """
    target = pytestconfig.getini(SETTING)
    if not target:
        raise pytest.UsageError(
            f"which app? Set {SETTING} = module:app in pytest's configuration, or define a "
            f"fixture {SETTING} that returns it"
        )
    from asyncworker.cli.target import parse_target
    from asyncworker.errors import AsyncWorkerError

    try:
        return parse_target(target).load()
    except AsyncWorkerError as error:
        raise pytest.UsageError(f"{SETTING}: {error}") from error.__cause__


async def _worker(asyncworker_app: App) -> AsyncIterator[TestApp]:
    """Run the app in a TestApp."""
    from asyncworker.testing import TestApp

    async with TestApp(asyncworker_app) as worker:
        yield worker


def _missing() -> None:
    """Say what is missing."""
    pytest.fail("the fixture worker needs pytest-asyncio: install asyncworker-core[testing]")


worker: Any
try:
    import pytest_asyncio
except ImportError:
    worker = pytest.fixture(_missing, name="worker")
else:
    worker = pytest_asyncio.fixture(_worker, name="worker")
