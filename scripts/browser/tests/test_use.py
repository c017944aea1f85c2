"""Readers find what they look for, copy what they see, and have it as they like it."""

import re

import pytest
import pytest_asyncio

from scripts.browser.visit import OPEN_SHADOWS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

SEARCHES = {
    "": {
        "AMQPConnection": "reference/options/",
        "ASYNCWORKER_HTTP_PORT": "guides/http/",
        "BULK_SIZE": "guides/bulk/",
        "Celery": "comparison/",
        "FLUSH_TIMEOUT": "guides/bulk/",
        "Kubernetes": "guides/deploying/",
        "Last-Event-ID": "guides/sse/",
        "SIGTERM": "guides/shutdown/",
        "TestApp": "reference/testing/",
        "cron": "guides/schedules/",
        "dead letter": "guides/dead-letters/",
        "duplicates": "reliability/",
        "graceful shutdown": "guides/shutdown/",
        "heartbeat": "concepts/connection/",
        "metrics": "guides/deploying/",
        "prefetch": "guides/bulk/",
        "publish": "guides/publishing/",
        "run_every": "guides/schedules/",
        "vhost": "guides/connections/",
    },
    "pt-BR/": {
        "BULK_SIZE": "guides/bulk/",
        "SIGTERM": "guides/shutdown/",
        "conexão": "concepts/connection/",
        "confiabilidade": "reliability/",
        "configurações": "reference/settings/",
        "dead letter": "guides/dead-letters/",
        "duplicatas": "reliability/",
        "encerramento": "guides/shutdown/",
        "fila de espera": "guides/retries/",
        "nova tentativa": "guides/retries/",
        "publicar": "guides/publishing/",
        "vhost": "guides/connections/",
    },
}
# Whether the search waits for something to look for.
WAITS = """document.querySelector(".md-search-result__meta").textContent.trim() ===
  JSON.parse(document.getElementById("__config").textContent)
  .translations["search.result.placeholder"]"""
# How an element looks, and the one after it: some are hidden, and a label shows their state. The
# caret of a text field is seen in any case.
LOOKS = """element => [element, element.nextElementSibling ?? element].map(one => {
  const { outline, color, backgroundColor, opacity } = getComputedStyle(one);
  const caret = one.type === "text" && one === document.activeElement;
  return [outline, color, backgroundColor, opacity, caret];
})"""


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser, address):
    """A tab of a reader who has not been here before."""
    async with await browser.new_context(
        base_url=address,
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    ) as context:
        yield await context.new_page()


async def found(tab, text):
    """What a search finds first, from the root of the site."""
    box = tab.get_by_role("textbox")
    await box.fill("")
    await box.press("Backspace")
    await tab.wait_for_function(f"() => {WAITS}")
    # All at once, so that no answer is to what is half typed.
    await box.fill(text[:-1])
    await box.press_sequentially(text[-1])
    await tab.wait_for_function(f"() => !({WAITS})")
    links = tab.locator(".md-search-result__item > a")
    return await links.first.get_attribute("href") if await links.count() else None


@pytest.mark.parametrize("language", SEARCHES)
async def test_the_search_finds_the_right_page_first(language, tab, address):
    await tab.goto(language)
    await tab.get_by_role("textbox").click()
    first = {}
    for text in SEARCHES[language]:
        link = await found(tab, text)
        first[text] = link and re.sub(r"[?#].*", "", link).removeprefix(address + language)
    assert first == SEARCHES[language]


async def test_the_search_finds_nothing_where_there_is_nothing(tab):
    await tab.goto("")
    await tab.get_by_role("textbox").click()
    assert await found(tab, "zyxw") is None
    # The source of diagrams is no text.
    assert await found(tab, "sequenceDiagram") is None


async def test_what_is_found_is_opened(tab):
    await tab.goto("pt-BR/")
    await tab.get_by_role("textbox").click()
    await found(tab, "encerramento")
    await tab.keyboard.press("Enter")
    await tab.wait_for_url(re.compile(r"/pt-BR/guides/shutdown/"))


async def copied(tab, block):
    """What the button of a block copies."""
    await block.hover()
    await block.get_by_role("button").click()
    await tab.get_by_text("Copied to clipboard").wait_for()
    return await tab.evaluate("navigator.clipboard.readText()")


async def test_a_block_of_code_is_copied_as_it_is(tab):
    await tab.goto("guides/bulk/")
    block = tab.locator("div.highlight").first
    text = await copied(tab, block)
    assert text == (await block.locator("code").inner_text()).strip()
    assert text.startswith("from ")


async def test_of_a_terminal_the_commands_are_copied(tab):
    await tab.goto("")
    block = tab.locator("div.highlight", has=tab.locator(".gp")).first
    assert await block.locator(".go").count() > 0
    assert await copied(tab, block) == (
        "pip install asyncworker-core asyncworker-rabbitmq\npython worker.py"
    )


async def test_the_arrows_of_diagrams_are_as_light_as_their_lines(tab):
    await tab.add_init_script(OPEN_SHADOWS)
    await tab.emulate_media(color_scheme="dark")
    await tab.goto("concepts/run/")
    arrow = tab.locator("[id$='-arrowhead'] path").first
    await arrow.wait_for(state="attached")
    line = tab.locator(".messageLine0").first
    assert await arrow.evaluate("path => getComputedStyle(path).fill") == await line.evaluate(
        "path => getComputedStyle(path).stroke"
    )


async def test_the_chosen_scheme_is_that_of_every_page(tab):
    async def scheme():
        return await tab.locator("body").get_attribute("data-md-color-scheme")

    await tab.goto("")
    assert await scheme() == "default"
    for name in ("Switch to light mode", "Switch to dark mode"):
        await tab.locator(f"label[title='{name}']").click()
    await tab.locator("body[data-md-color-scheme=slate]").wait_for()
    for page in ("guides/bulk/", "pt-BR/", "404.html"):
        await tab.goto(page)
        assert await scheme() == "slate", page
    await tab.locator("label[title='Follow the system']").click()
    await tab.locator("body[data-md-color-scheme=default]").wait_for()


async def test_the_switch_keeps_the_page(tab, address):
    await tab.goto("guides/bulk/")
    for name, page in (("Português", "pt-BR/guides/bulk/"), ("English", "guides/bulk/")):
        await tab.locator(".md-select").hover()
        await tab.locator(".md-select__link", has_text=name).click()
        await tab.wait_for_url(address + page)


async def test_the_first_key_leads_past_the_navigation(tab):
    await tab.goto("guides/bulk/")
    await tab.keyboard.press("Tab")
    skip = tab.locator(".md-skip")
    assert await skip.evaluate("link => link === document.activeElement")
    await tab.wait_for_function("() => getComputedStyle(document.activeElement).opacity === '1'")
    # At the top of a page its address loses the heading again, at once.
    await tab.evaluate("addEventListener('hashchange', event => { window.led = event.newURL })")
    await tab.keyboard.press("Enter")
    heading = await skip.get_attribute("href")
    await tab.wait_for_function("hash => window.led?.endsWith(hash)", arg=heading)
    await tab.keyboard.press("Tab")
    assert await tab.evaluate("!!document.activeElement.closest('article')")


async def unseen(tab, count):
    """What the key leads to that does not look otherwise then, of the first ones."""
    await tab.add_style_tag(content="* { transition: none !important }")
    same = []
    for _ in range(count):
        await tab.keyboard.press("Tab")
        focused = await tab.evaluate_handle("document.activeElement")
        looks = await focused.evaluate(LOOKS)
        await focused.evaluate("element => element.blur()")
        if looks == await focused.evaluate(LOOKS):
            same.append(await focused.evaluate("element => element.outerHTML.slice(0, 99)"))
    return same


async def test_what_has_the_focus_is_seen(tab):
    await tab.goto("guides/bulk/")
    assert await unseen(tab, 40) == []


async def test_a_focus_that_is_not_seen_is_told(tab):
    await tab.set_content(
        '<style>a { outline: none }</style><a href="#a">a</a> <button>b</button> <input>'
    )
    assert await unseen(tab, 3) == ['<a href="#a">a</a>']
