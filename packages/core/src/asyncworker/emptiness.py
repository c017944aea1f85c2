"""An App that has nothing to do, and why that may be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncworker.backend import Remark

if TYPE_CHECKING:
    from asyncworker.app import App


def emptiness_of(app: App) -> str | None:
    """Return that an app has neither routes nor schedules, and the likely cause; None if it has.

    It is but a `Remark` where hooks may do the work.
    """
    if app.routes or app.schedules:
        return None
    twin = _twin(app)
    cause = twin or "import the modules whose handlers it should have before it runs"
    words = f"the app has no routes and no schedules, and so nothing to do: {cause}"
    has_hooks = bool(app.startup_hooks or app.shutdown_hooks)
    return Remark(words) if has_hooks and twin is None else words


def _twin(app: App) -> str | None:
    """Return which app has the handlers in the place of an empty one, if one is found."""
    from asyncworker.app import App

    for name, module in list(sys.modules.items()):
        for attribute, other in list(getattr(module, "__dict__", {}).items()):
            # Not isinstance(), which asks what stands for something else what it is.
            if not issubclass(type(other), App) or other is app:
                continue
            if other.routes or other.schedules:
                return (
                    f"{name}:{attribute} has some, and is another App: a module that is run as "
                    "__main__ and imported by its name is there twice"
                )
    return None
