"""Run Debian's Chromium: what Playwright would download is not needed."""

from __future__ import annotations

import shutil
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from scripts import apt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
MISSING: Final = "no browser here: install Debian's package chromium, or Google Chrome"
ARGUMENTS: Final = (
    # Chromium's own sandbox does not work for root. All that is opened here is our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class BrowserMissing(Exception):
    """Report that there is no browser, and none can be had."""


def find() -> str | None:
    """Return the installed browser, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def find_or_install() -> str:
    """Return the installed browser, which apt-get installs first if need be.

    Raises: BrowserMissing
    """
    found = find()
    if found is None and apt.is_at_hand():
        print("installing chromium with apt-get ...", file=sys.stderr, flush=True)
        apt.install("chromium")
        found = find()
    if found is None:
        raise BrowserMissing(MISSING)
    return found


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run a browser without a window, with an empty profile that is gone at the end.

    Raises: BrowserMissing
    """
    from playwright.async_api import async_playwright

    program = find_or_install()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield running
        finally:
            await running.close()
