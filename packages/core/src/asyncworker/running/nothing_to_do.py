"""An App that has nothing to do, and why that may be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncworker.backend import Remark

if TYPE_CHECKING:
    from asyncworker.app import App


def idle_reason(app: App) -> str | None:
    """Return that an app has neither routes nor schedules, and the likely cause; None if it has.

    It is but a `Remark` where hooks may do the work.
    """
    if app.routes or app.schedules:
        return None
    other = _other_app(app)
    cause = other or "import the modules whose handlers it should have before it runs"
    text = f"the app has no routes and no schedules, and so nothing to do: {cause}"
    has_hooks = bool(app.startup_hooks or app.shutdown_hooks)
    return Remark(text) if has_hooks and other is None else text


def _other_app(app: App) -> str | None:
    """Return which app has the handlers in the place of an empty one, if one is found."""
    # Only named, as the app that runs imports this; an app may be of a class of the user's.
    kind = next(one for one in type(app).__mro__ if one.__module__ == "asyncworker.app")
    for name, module in list(sys.modules.items()):
        for attribute, other in list(getattr(module, "__dict__", {}).items()):
            # Not isinstance(), which asks what stands for something else what it is.
            if not issubclass(type(other), kind) or other is app:
                continue
            if other.routes or other.schedules:
                return (
                    f"{name}:{attribute} has some, and is another App: a module that is run as "
                    "__main__ and imported by its name is there twice"
                )
    return None
