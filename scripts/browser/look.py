"""Take pictures of the built site, to be looked at.

python -m scripts.browser.look FOLDER [PAGE...] writes the pages, all of them without a name, as
PNG files into a folder: on both screens, light and dark.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.browser.chromium import browser
from scripts.browser.server import serving
from scripts.browser.site import BUILT, Page, pages
from scripts.browser.visit import SCHEMES, SCREENS, Screen, settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import Browser


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


@click.command
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", metavar="[PAGE]...", nargs=-1)
def main(folder: Path, names: tuple[str, ...]) -> None:
    """Take pictures of the built site, on both screens, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [page for page in pages() if not names or page.url.rstrip("/") in names]
    asyncio.run(look(folder, chosen))


if __name__ == "__main__":
    main()
