"""What can be wrong with pages as a browser shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scripts.browser.visit import SCHEMES, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWN: Final = ("data:", "blob:")


def console(visit: Visit) -> Iterator[str]:
    """Tell of errors and warnings in the console."""
    yield from visit.said


def requests(visit: Visit) -> Iterator[str]:
    """Tell of requests that failed."""
    yield from visit.failed


def hosts(visit: Visit) -> Iterator[str]:
    """Tell of requests to other hosts."""
    for url in visit.asked:
        if not url.startswith((visit.site, *OWN)):
            yield f"asks for {url}"


def scrolling(visit: Visit) -> Iterator[str]:
    """Tell of pages that are wider than the screen."""
    for scheme, seen in visit.seen.items():
        if seen["width"] > visit.screen.width:
            yield f"{scheme}: {seen['width']} pixels wide"


def cuts(visit: Visit) -> Iterator[str]:
    """Tell of text that goes on beyond the edge, where nobody can scroll."""
    for scheme, seen in visit.seen.items():
        for text in seen["cut"]:
            yield f"{scheme}: {text!r} is cut off"


def images(visit: Visit) -> Iterator[str]:
    """Tell of images that are not there."""
    for seen in visit.seen.values():
        for url in seen["lost"]:
            yield f"no image at {url}"


def diagrams(visit: Visit) -> Iterator[str]:
    """Tell of diagrams that were not drawn."""
    for scheme, seen in visit.seen.items():
        written = visit.page.diagrams
        if seen["drawn"] != written:
            yield f"{scheme}: {seen['drawn']} of {written} diagrams are drawn"


def schemes(visit: Visit) -> Iterator[str]:
    """Tell of pages that do not follow the color scheme of the system."""
    for scheme, seen in visit.seen.items():
        if seen["scheme"] != SCHEMES[scheme]:
            yield f"{scheme}: shown as {seen['scheme']!r}"


CHECKS: Final[dict[str, Callable[[Visit], Iterator[str]]]] = {
    check.__name__: check
    for check in (console, requests, hosts, scrolling, cuts, images, diagrams, schemes)
}
