"""Open each page as readers do, and note what happens."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from scripts.browser.server import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import (
        Browser,
        ConsoleMessage,
        Error,
        Request,
        Response,
        Route,
    )
    from playwright.async_api import Page as Tab

    from scripts.browser.site import Page

PATIENCE: Final = 20.0
"""Seconds that a page may take on a busy machine until it is drawn."""
FACTS: Final = Path(__file__).with_name("facts.js").read_text()
SETTLED: Final = Path(__file__).with_name("settled.js").read_text()
# The theme draws diagrams where scripts cannot look.
OPEN_SHADOWS: Final = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function () { return attach.call(this, { mode: "open" }); };
"""
TWO_FRAMES: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
INDEX: Final = "search_index.json"
SCHEMES: Final = {"light": "default", "dark": "slate"}


class Screen(NamedTuple):
    """Say on what a page is shown. first: the color scheme in which it is opened."""

    name: str
    width: int
    height: int
    first: str

    @property
    def settings(self) -> dict[str, Any]:
        """Return what the browser calls it."""
        is_phone = self.name == "phone"
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.first,
            "is_mobile": is_phone,
            "has_touch": is_phone,
        }


SCREENS: Final = (Screen("desktop", 1280, 900, "light"), Screen("phone", 390, 844, "dark"))


@dataclass
class Visit:
    """Hold what happened on a page, and what was seen in each color scheme."""

    page: Page
    screen: Screen
    site: str
    said: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what it is called in reports."""
        return f"{self.page.path} ({self.screen.name})"


class Listener:
    """Note what a tab does, for the page that it shows."""

    def __init__(self, tab: Tab) -> None:
        self.visit: Visit | None = None
        self._requests: set[Request] = set()
        tab.on("console", self._on_console)
        tab.on("pageerror", self._on_error)
        tab.on("request", self._on_request)
        tab.on("requestfailed", self._on_failure)
        tab.on("response", self._on_response)

    def begin(self, visit: Visit) -> None:
        """Note for another page: what the last one breaks off as it is left is no failure."""
        self._requests.clear()
        self.visit = visit

    def _on_console(self, message: ConsoleMessage) -> None:
        if self.visit and message.type in ("error", "warning"):
            self.visit.said.append(f"{message.type}: {message.text}")

    def _on_error(self, error: Error) -> None:
        if self.visit:
            self.visit.said.append(f"exception: {error.message}")

    def _on_request(self, request: Request) -> None:
        if self.visit:
            self._requests.add(request)
            self.visit.asked.append(request.url)

    def _on_failure(self, request: Request) -> None:
        if self.visit and request in self._requests:
            self.visit.failed.append(f"{request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if self.visit and response.status >= 400:
            self.visit.failed.append(f"{response.url}: {response.status}")


async def survey(
    browser: Browser, pages: Sequence[Page], patience: float = PATIENCE
) -> list[Visit]:
    """Return visits of all pages on all screens, two pages at a time.

    patience: seconds that each may take until it is drawn.
    """
    with serving(pages[0].root) as site:
        rounds = [_on_one_screen(browser, site, pages, screen, patience) for screen in SCREENS]
        return [visit for visits in await asyncio.gather(*rounds) for visit in visits]


async def _on_one_screen(
    browser: Browser, site: str, pages: Sequence[Page], screen: Screen, patience: float
) -> list[Visit]:
    context = await browser.new_context(**screen.settings)
    await context.add_init_script(OPEN_SHADOWS)
    for path, index in _empty_indexes(pages[0].root).items():
        await context.route(site + path, partial(_answer, index))
    tab = await context.new_page()
    listener = Listener(tab)
    visits = []
    for page in pages:
        visit = Visit(page, screen, site)
        listener.begin(visit)
        await _visit(tab, visit, patience)
        visits.append(visit)
    await context.close()
    return visits


def _empty_indexes(root: Path) -> dict[str, dict[str, Any]]:
    """Return the indexes of the search without the pages, by path.

    They spare each page the reading of all the others. Tests of the search have the whole ones.
    """
    return {
        file.relative_to(root).as_posix(): json.loads(file.read_text()) | {"docs": []}
        for file in root.rglob(INDEX)
    }


async def _answer(index: dict[str, Any], route: Route) -> None:
    await route.fulfill(json=index)


async def _visit(tab: Tab, visit: Visit, patience: float) -> None:
    await tab.emulate_media(color_scheme=visit.screen.first)
    await tab.goto(visit.site + visit.page.url)
    if not await settled(tab, visit.page, patience):
        visit.said.append(f"not ready after {patience:g} seconds")
    for scheme in sorted(SCHEMES, key=lambda name: name != visit.screen.first):
        await tab.emulate_media(color_scheme=scheme)
        await tab.evaluate(TWO_FRAMES)
        visit.seen[scheme] = await tab.evaluate(FACTS)


async def settled(tab: Tab, page: Page, patience: float = PATIENCE) -> bool:
    """Wait until a page is as readers see it; return whether it came to that."""
    from playwright.async_api import TimeoutError as TookTooLong

    try:
        await tab.wait_for_function(SETTLED, arg=page.diagrams, timeout=patience * 1000, polling=50)
    except TookTooLong:
        return False
    return True
