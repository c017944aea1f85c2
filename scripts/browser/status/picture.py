"""Take the pictures of the status page that the documentation shows.

python -m scripts.browser.status.picture writes docs/assets/status-light.png and -dark.png.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asyncworker.feed import Statistics
from asyncworker.status import snapshot
from scripts import ROOT
from scripts.browser.chromium import browser
from scripts.browser.status.server import Served
from scripts.browser.status.shop import shop
from scripts.browser.visit import SCHEMES

if TYPE_CHECKING:
    from asyncworker import App

FOLDER: Final = ROOT / "docs" / "assets"
VIEWPORT: Final[Any] = {"width": 1200, "height": 800}
EVERY: Final = 0.5
LASTS: Final = 55.0
"""Seconds until sparklines are nearly full."""


async def take() -> None:
    """Write the pictures of an app that has been at work for a while."""
    app, statistics = shop(), Statistics()
    app.feed.add(statistics)
    served = Served(lambda: _shown(app, statistics), EVERY)
    async with app.started(), served.serving() as url, browser() as running:
        tab = await running.new_page(viewport=VIEWPORT)
        await tab.goto(url)
        await asyncio.sleep(LASTS)
        for scheme in SCHEMES:
            await tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            path = FOLDER / f"status-{scheme}.png"
            await tab.screenshot(path=path, full_page=True)
            print(path)


def _shown(app: App, statistics: Statistics) -> Any:
    """Return a snapshot in which files are where one would install them."""
    text = json.dumps(snapshot(app, statistics))
    return json.loads(text.replace(str(Path(__file__).parent), "/srv/shop"))


if __name__ == "__main__":
    asyncio.run(take())
