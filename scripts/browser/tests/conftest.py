import pytest
import pytest_asyncio

from scripts.browser.chromium import browser as running
from scripts.browser.server import serving
from scripts.browser.site import BUILT, pages


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    async with running() as browser:
        yield browser


@pytest.fixture(scope="session")
def built():
    """The pages of the documentation."""
    found = pages()
    assert found, f"nothing is built in {BUILT}"
    return found


@pytest.fixture(scope="session")
def address(built):
    """Where the documentation is served."""
    with serving(BUILT) as address:
        yield address
