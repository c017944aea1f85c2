"""Nobody is kept out: contrasts, names and roles are as WCAG 2.1 asks for at level AA."""

import pytest

from scripts.browser.access import violations
from scripts.browser.visit import OPEN_SHADOWS, SCHEMES, settled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

# One of each kind.
PATHS = {
    "404.html",
    "index.html",
    "guides/bulk/index.html",
    "concepts/message/index.html",
    "reference/settings/index.html",
    "reference/sse/index.html",
    "pt-BR/comparison/index.html",
}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_pages_keep_to_the_rules(scheme, browser, address, built):
    pages = [page for page in built if page.path in PATHS]
    assert len(pages) == len(PATHS)
    async with await browser.new_context(
        base_url=address, viewport={"width": 1280, "height": 900}, color_scheme=scheme
    ) as context:
        await context.add_init_script(OPEN_SHADOWS)
        tab = await context.new_page()
        problems = []
        for page in pages:
            await tab.goto(page.url)
            await settled(tab, page)
            problems += [f"{page.path}: {problem}" for problem in await violations(tab)]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


async def test_a_faint_text_is_told(browser):
    async with await browser.new_context() as context:
        tab = await context.new_page()
        await tab.set_content(
            '<html lang="en"><title>A page</title><main><p style="color: #aaa">faint</p></main>'
        )
        (problem,) = await violations(tab)
    assert problem.startswith('color-contrast: <p style="color: #aaa">faint</p>: ')
