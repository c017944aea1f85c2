"""The status page shows how it stands with a worker, to everybody, and as it changes."""

import copy
import itertools
import re
import time
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from asyncworker.status import together
from scripts.browser.access import violations
from scripts.browser.status.server import Served
from scripts.browser.status.shop import count_stock, shop

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
LONG = "a_handler_with_a_name_that_is_longer_than_any_telephone_is_wide_" * 2
STATES = ("starting", "working", "waiting", "paused", "draining", "ended")


def work(name, kind="rabbitmq", states=("working",), **more):
    """What a snapshot tells of a handler."""
    sources = [
        {
            "name": f"{name}-{one}",
            "state": one,
            "reason": None,
            "since": 900.0,
            "outcomes": {"ack": 3},
        }
        for one in states
    ]
    numbers = {
        "in_flight": 2,
        "waiting": 7,
        "oldest": 4.5,
        "batches": 4,
        "handled": 40,
        "seconds": 2.0,
    }
    failures = {"failures": 1, "last_error": {"text": "ValueError('no room')", "at": 990.0}}
    return {"kind": kind, "name": name, "sources": sources, **numbers, **failures, **more}


def taken(process=1, **more):
    """A snapshot of a process that has one of everything."""
    running = {"process": process, "kind": "rabbitmq", "route": "store", "seconds": 61.0, "size": 2}
    blocked = {"process": process, "handler": "store", "at": "/srv/shop.py:3 in load"}
    blocked |= {"since": 950.0, "seconds": 2.5}
    return {
        "process": process,
        "phase": "working",
        "at": 1000.0,
        "since": 400.0,
        "routes": [work("store", states=STATES), work("watch", "sse"), work("stock", "http")],
        "schedules": [work("tidy", "schedule")],
        "publishing": [work("shop", "publish")],
        "connections": [{"name": "shop", "is_open": False, "lost": 2}],
        "handlers": [{**running, "at": "/srv/shop.py:12 in store"}, {**running, "at": None}],
        "loop": {"lag": 0.004, "blocked_seconds": 2.5, "last_blocked": blocked},
        "problems": [{"subject": "queue 'orders'", "reason": "the broker is blocked"}],
        "processes": [],
        **more,
    }


class Tab:
    """A tab that shows the page, and what its console said."""

    def __init__(self, tab):
        self.tab = tab
        self.said = []
        tab.on("console", lambda message: self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(str(error)))

    def __getattr__(self, name):
        return getattr(self.tab, name)

    def row(self, table, name):
        """A row of a table, by what it begins with."""
        rows = self.tab.get_by_role("table", name=table).get_by_role("row")
        return rows.filter(has=self.tab.get_by_role("rowheader", name=name))

    def cell(self, table, name, column):
        return self.row(table, name).locator(f"[data-label='{column}']")

    def news(self, text):
        return self.tab.get_by_role("status").filter(has_text=text)


@pytest.fixture
def opened(browser):
    """Open a page: as a context, the tab that shows it."""

    @asynccontextmanager
    async def opened(url, viewport=DESKTOP, **settings):
        async with await browser.new_context(viewport=viewport, **settings) as context:
            tab = Tab(await context.new_page())
            await tab.goto(url)
            yield tab

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def shop_url(monkeypatch):
    """The page of an app at work, by its monitor."""
    monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", "0")
    app = shop()
    async with app.started():
        yield f"{app.http.monitor_url}/status"


@pytest.fixture
def served():
    """What shows whatever a test makes of a snapshot."""
    served = Served(lambda: served.shown)
    served.shown = taken()
    return served


@pytest_asyncio.fixture(loop_scope="session")
async def url(served):
    async with served.serving() as url:
        yield url


async def test_shows_a_live_app_as_it_changes(shop_url, opened):
    async with opened(shop_url) as tab:
        acks = tab.row("Routes", "store_orders").get_by_text(re.compile("ack"))
        before = await acks.text_content()
        await tab.wait_for_function(
            "([before]) => !document.body.textContent.includes(before)", arg=[before]
        )
        rate = tab.cell("Routes", "store_orders", "Rate")
        await rate.get_by_text(re.compile(r"[1-9]\d*(\.\d)?/s")).wait_for()
        await rate.locator("path.line").wait_for(state="attached")
        await tab.row("Publishing", "shop").get_by_text(re.compile(r"confirmed \d+")).wait_for()
        await tab.row("Connections", "shop").get_by_text("open").wait_for()
        await tab.row("Schedules", "sell").get_by_text(re.compile(r"done \d+")).wait_for()
        # Its policy refuses nothing that it does.
        assert tab.said == []


async def test_shows_why_a_route_cannot_work(shop_url, opened):
    async with opened(shop_url) as tab:
        await tab.news("1 of 3 routes cannot work: pay_refunds").wait_for()
        row = tab.row("Routes", "pay_refunds")
        await row.locator(".state", has_text="▲ waiting").wait_for()
        assert "the queue does not exist: create it" in await row.inner_text()
        # It is told with the route, and not again.
        assert await tab.get_by_role("heading", name="Problems").count() == 0
        assert "▲" in await tab.title()


async def test_shows_the_last_error_and_where_handlers_wait(shop_url, opened):
    async with opened(shop_url) as tab:
        error = tab.cell("Routes", "send_invoices", "Last error")
        await error.get_by_text("ConnectionError('smtp.example.com does not answer')").wait_for()
        at = tab.cell("Longest-running handlers", "count_stock", "Waits at")
        line = count_stock.__code__.co_firstlineno + 2
        await at.get_by_text(re.compile(rf"shop\.py:{line} in count_stock$")).wait_for()


async def test_shows_what_blocked_the_event_loop(url, opened):
    async with opened(url) as tab:
        row = tab.row("What blocked the event loop", "store")
        await row.get_by_text("/srv/shop.py:3 in load").wait_for()
        assert await tab.cell("What blocked the event loop", "store", "For").inner_text() == "2.5 s"


async def test_derives_rates_from_totals(served, url, opened):
    moments = itertools.count()

    def shown():
        moment = next(moments)
        route = work("store", handled=100 + 25 * moment)
        return taken(at=1000.0 + moment / 2, routes=[route], schedules=[])

    served.snapshot = shown
    async with opened(url) as tab:
        await tab.cell("Routes", "store", "Rate").get_by_text("50/s", exact=True).wait_for()
        assert await tab.cell("Routes", "store", "Mean time").inner_text() == "500 ms"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_keeps_to_the_rules(scheme, viewport, served, url, opened):
    served.shown = together([taken(1), taken(2)])
    async with opened(url, viewport, color_scheme=scheme, reduced_motion="reduce") as tab:
        await tab.row("Processes", "2").wait_for()
        assert await violations(tab.tab) == []


async def test_follows_the_color_scheme_of_the_system(url, opened):
    colors = {}
    async with opened(url) as tab:
        for scheme in ("light", "dark"):
            await tab.emulate_media(color_scheme=scheme)
            colors[scheme] = await tab.evaluate("getComputedStyle(document.body).backgroundColor")
    light, dark = (sum(map(int, re.findall(r"\d+", colors[one])[:3])) for one in colors)
    assert light > 600
    assert dark < 150


async def test_nothing_moves_where_that_is_not_wanted(served, url, opened):
    served.shown = taken(routes=[work("store")])
    async with opened(url, reduced_motion="reduce") as tab:
        await tab.news("1 route at work.").wait_for()
        assert await tab.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [360, 600, 1000, 1160, 1280])
async def test_fits_the_screen(width, served, url, opened):
    route = work(LONG, states=STATES, last_error={"text": LONG * 3, "at": 900.0})
    served.shown = together([taken(1, routes=[route]), taken(2, routes=[route])])
    async with opened(url, {"width": width, "height": 740}) as tab:
        await tab.row("Routes", LONG).wait_for()
        assert await tab.evaluate("document.documentElement.scrollWidth") == width


async def test_a_phone_still_has_tables(url, opened):
    async with opened(url, PHONE) as tab:
        await tab.row("Routes", "store").wait_for()
        heads = tab.get_by_role("table", name="Routes").get_by_role("columnheader")
        assert await heads.count() == await tab.row("Routes", "watch").locator("th, td").count()
        assert await tab.cell("Routes", "watch", "Waiting").get_attribute("role") == "cell"


async def test_names_are_text_whatever_they_are(served, url, opened):
    evil = "<script>window.evil = 1</script><img src=x onerror='window.evil = 1'>"
    shown = taken(
        routes=[work(evil, evil, last_error={"text": evil, "at": 1.0}, states=["waiting"])]
    )
    shown["routes"][0]["sources"][0] |= {"reason": evil, "outcomes": {evil: 1}}
    shown["schedules"] = [work(evil)]
    shown["publishing"] = [work(evil)]
    shown["connections"] = [{"name": evil, "is_open": True, "lost": 0}]
    shown["problems"] = [{"subject": evil, "reason": "another"}]
    shown["handlers"][0] |= {"route": evil, "kind": evil, "at": evil}
    served.shown = shown
    async with opened(url) as tab:
        await tab.news(f"1 of 1 route cannot work: {evil}").wait_for()
        assert await tab.evaluate("document.body.textContent.split('<img').length") > 10
        assert await tab.locator("main script, img").count() == 0
        assert await tab.evaluate("window.evil") is None
        assert tab.said == []


async def test_shows_several_processes_together_and_each_by_itself(served, url, opened):
    ones = [taken(number, routes=[work("store", in_flight=number)]) for number in (11, 12)]
    served.shown = together(ones)
    async with opened(url) as tab:
        in_flight = tab.cell("Routes", "store", "In flight")
        await in_flight.get_by_text("23", exact=True).wait_for()
        assert await tab.row("Processes", "12").count() == 1
        await tab.get_by_role("combobox", name="Process").select_option("12")
        await in_flight.get_by_text("12", exact=True).wait_for()
        # It is gone: what is left is shown together again.
        served.shown = together(ones[:1])
        await in_flight.get_by_text("11", exact=True).wait_for()


async def test_asks_again_and_again_where_there_are_no_events(opened):
    served = Served(
        lambda: taken(routes=[work("store", waiting=time.monotonic_ns())]), has_events=False
    )
    async with served.serving() as url, opened(url) as tab:
        waiting = tab.cell("Routes", "store", "Waiting")
        before = await waiting.text_content()
        await waiting.filter(has_not_text=before).wait_for()


async def test_says_that_the_worker_is_gone_and_waits_for_it(served, opened):
    served.shown = taken(routes=[work("store")])
    again = Served(lambda: taken(routes=[work("store"), work("watch")]))
    async with opened("about:blank") as tab:
        async with served.serving() as url:
            await tab.goto(url)
            await tab.news("1 route at work.").wait_for()
        await tab.news("No answer from the worker; trying again.").wait_for()
        async with again.serving(int(re.search(r":(\d+)", url)[1])):
            await tab.news("2 routes at work.").wait_for()


async def test_says_since_when_what_it_shows_is_old(served, opened):
    is_silent = False

    def shown():
        # As a process does that is stopped: the connection stays open.
        if is_silent:
            raise ConnectionResetError
        return taken()

    served.snapshot = shown
    async with served.serving() as url, opened(url) as tab:
        await tab.get_by_text(re.compile(r"^As of [\d:]+\.$")).wait_for()
        is_silent = True
        await tab.news("No answer from the worker").wait_for()
        await tab.get_by_text(re.compile(r"^As of [\d:]+, \d+ s ago\.$")).wait_for()


async def test_stands_still_while_it_is_paused(served, url, opened):
    async with opened(url) as tab:
        waiting = tab.cell("Routes", "watch", "Waiting")
        await waiting.get_by_text("7", exact=True).wait_for()
        button = tab.get_by_role("button", name="Pause")
        await button.click()
        await tab.get_by_text(re.compile(", paused.$")).wait_for()
        changed = copy.deepcopy(served.shown)
        changed["routes"][1]["waiting"] = 8
        served.shown = changed
        async with tab.expect_event("console", lambda one: one.text == "later"):
            await tab.evaluate("setTimeout(() => console.log('later'), 500)")
        assert await waiting.inner_text() == "7"
        await button.click()
        await waiting.get_by_text("8", exact=True).wait_for()
