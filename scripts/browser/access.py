"""Whether a page can be used by everybody, by the rules of WCAG 2.1 at level AA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from axe_playwright_python.async_playwright import Axe

if TYPE_CHECKING:
    from playwright.async_api import Page as Tab

OPTIONS: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


async def violations(tab: Tab) -> list[str]:
    """Return what the rules find, a line each."""
    results = await Axe().run(tab, options=OPTIONS)
    return [
        f"{found['id']}: {node['html']}: {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]
