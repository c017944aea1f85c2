"""The page of an app's documents is read by everybody, on any screen, and without a script."""

import pytest

from asyncworker.describing.documents import document
from asyncworker.describing.html import page, policy
from examples.typed import app as typed
from scripts.browser.access import violations
from tests.describing.shop import app as shop

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
URL = "http://shop.example/docs"
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy()}


@pytest.fixture(scope="module")
def text():
    """The page, with one of everything."""
    return page(
        document(shop, "openapi", "shop"), document(typed, "asyncapi"), {"OpenAPI": "openapi.json"}
    )


@pytest.fixture
def opened(browser, text):
    """Open it in a tab; return that, what its console says, and what it asks for."""

    async def opened(**settings):
        context = await browser.new_context(**settings)
        tab = await context.new_page()
        said, asked = [], []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        await tab.route("**", lambda route: route.fulfill(body=text, headers=HEADERS))
        await tab.goto(URL)
        return tab, said, asked

    return opened


async def test_it_loads_nothing_and_needs_no_script(opened):
    tab, said, asked = await opened(java_script_enabled=False)
    assert await tab.title() == "shop"
    assert (said, asked) == ([], [URL])
    await tab.get_by_role("link", name="POST /orders").first.click()
    assert tab.url == f"{URL}#http-add"
    await tab.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
async def test_it_is_read_by_everybody(opened, viewport, scheme):
    tab, _, _ = await opened(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    assert await violations(tab) == []
    wide = await tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"]
    await tab.context.close()
