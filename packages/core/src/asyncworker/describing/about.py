"""What an app and its handlers are, in their own words."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from asyncworker.app import App

UNNAMED: Final = "asyncworker"
NO_VERSION: Final = "0.0.0"


class About(NamedTuple):
    """Hold what a document says of itself."""

    title: str
    version: str
    description: str = ""

    @property
    def info(self) -> dict[str, str]:
        """Return it as both formats have it."""
        told = {"title": self.title, "version": self.version, "description": self.description}
        return {name: text for name, text in told.items() if text}


def about(app: App, title: str | None = None, version: str | None = None) -> About:
    """Return what an app is: by the module of its first route, where nothing else is said.

    title: the module's name when left out. version: the `__version__` of the module, or of the
    package that it is in, when left out.
    """
    module = _module_of(app)
    name = UNNAMED if module is None else _name_of(module)
    said = NO_VERSION if module is None else _version_of(module)
    text = _clean(inspect.getdoc(module)) if module is not None else ""
    return About(title or name, version or said, text)


def short_name(handler: Callable[..., Any]) -> str:
    """Return the name of a handler without where it is defined."""
    return name_of(handler).rpartition(".")[2]


def told_of(handler: Callable[..., Any]) -> dict[str, str]:
    """Return what a handler's docstring says: the first line, and what follows."""
    while isinstance(handler, partial):
        handler = handler.func
    summary, _, more = _clean(inspect.getdoc(handler)).partition("\n")
    told = {"summary": summary.strip(), "description": more.strip()}
    return {name: text for name, text in told.items() if text}


def _module_of(app: App) -> ModuleType | None:
    for route in app.routes:
        module = sys.modules.get(getattr(route.handler, "__module__", None) or "")
        if module is not None and module.__name__.partition(".")[0] != __name__.partition(".")[0]:
            return module
    return None


def _name_of(module: ModuleType) -> str:
    if module.__name__ == "__main__":
        return Path(getattr(module, "__file__", None) or UNNAMED).stem
    return module.__name__


def _version_of(module: ModuleType) -> str:
    package = sys.modules.get(module.__name__.partition(".")[0])
    for one in (module, package):
        if isinstance(said := getattr(one, "__version__", None), str) and said:
            return said
    return NO_VERSION


def _clean(text: str | None) -> str:
    # What no file in UTF-8 can have.
    return (text or "").encode(errors="replace").decode()
