"""What handlers return where nothing takes it."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def log_returned(handler: Callable[..., Any], returned: object) -> None:
    """Log what a handler has returned, by its type alone: it may hold anything."""
    name, kind = name_of(handler), type(returned).__qualname__
    if inspect.iscoroutine(returned):
        what = f"the coroutine {returned.__qualname__}, which never runs: await it"
    elif inspect.isgenerator(returned) or inspect.isasyncgen(returned):
        what = f"the generator {returned.__qualname__}, which never runs: loop over it"
    elif inspect.isawaitable(returned):
        what = f"{kind}, which nothing awaits: await it"
    else:
        log.warning("handler %s returned %s: nothing takes it, here and later", name, kind)
        return
    log.error("handler %s returned %s", name, what)
