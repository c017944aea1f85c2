"""Take pictures of the built site, to be looked at.

python -m scripts.browser.look FOLDER [PAGE...] writes the pages, all of them without a name, as
PNG files into a folder: on both screens, light and dark.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.browser.chromium import browser
from scripts.browser.server import serving
from scripts.browser.site import BUILT, Page, pages
from scripts.browser.visit import SCHEMES, SCREENS, Screen, settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import Browser

USAGE: Final = "usage: python -m scripts.browser.look FOLDER [PAGE...]"


async def look(folder: Path, chosen: Iterable[Page]) -> None:
    """Write pictures of pages into a folder."""
    async with browser() as running:
        with serving(BUILT) as site:
            for screen in SCREENS:
                await _on_one_screen(running, site, folder, chosen, screen)


async def _on_one_screen(
    running: Browser, site: str, folder: Path, chosen: Iterable[Page], screen: Screen
) -> None:
    context = await running.new_context(**screen.settings)
    tab = await context.new_page()
    for page in chosen:
        await tab.goto(site + page.url)
        await settled(tab, page)
        for scheme in SCHEMES:
            await tab.emulate_media(color_scheme=scheme)
            name = page.url.removesuffix("/").replace("/", "-") or "home"
            picture = folder / f"{name}.{screen.name}.{scheme}.png"
            await tab.screenshot(path=picture, full_page=True, animations="disabled")
            print(picture)
    await context.close()


def main(arguments: list[str]) -> int:
    """Take the pictures; return the exit code."""
    if not arguments:
        print(USAGE, file=sys.stderr)
        return 2
    folder, *names = arguments
    Path(folder).mkdir(parents=True, exist_ok=True)
    chosen = [page for page in pages() if not names or page.url.rstrip("/") in names]
    asyncio.run(look(Path(folder), chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
