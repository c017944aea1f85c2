"""Every page is as it should be, in both languages, on both screens, light and dark."""

import pytest
import pytest_asyncio

from scripts.browser import shown, written
from scripts.browser.visit import SCHEMES, SCREENS, survey

pytestmark = pytest.mark.timeout(600)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visits(browser, built):
    return await survey(browser, built)


def assert_none(problems):
    """Fail with all problems, each on a line of its own."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("check", written.CHECKS)
def test_pages_are_written_well(check, built):
    assert_none(list(written.CHECKS[check](built)))


@pytest.mark.slow
def test_every_page_is_opened_on_every_screen_in_every_scheme(visits, built):
    assert len(visits) == len(built) * len(SCREENS)
    assert {frozenset(visit.seen) for visit in visits} == {frozenset(SCHEMES)}


@pytest.mark.slow
@pytest.mark.parametrize("check", shown.CHECKS)
def test_pages_are_shown_well(check, visits):
    assert_none([f"{visit}: {text}" for visit in visits for text in shown.CHECKS[check](visit)])
