"""A batch that waits for company, told to whoever may take that for a worker that is stuck."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asyncworker.logs.nonblocking_output import current_stream, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def teller(handler_name: str, size: int, max_age: float) -> Callable[[int], None] | None:
    """Return what says once that a batch waits, given how many it holds; None where nobody looks.

    size: of a full batch. max_age: seconds; the batch goes out when its oldest item is that old.
    """
    is_watched = is_terminal(current_stream(error=False))
    if not is_watched and not log.isEnabledFor(logging.DEBUG):
        return None

    has_told = False

    def tell(count: int) -> None:
        nonlocal has_told
        if has_told:
            # Another one of the route, where each key has batches of its own.
            return
        has_told = True
        log.log(
            logging.INFO if is_watched else logging.DEBUG,
            "handler %s: a batch waits with %d of %d items, for %g s at most: "
            "Options.BULK_FLUSH_INTERVAL, or ASYNCWORKER_FLUSH_TIMEOUT, says how long",
            handler_name,
            count,
            size,
            max_age,
        )

    return tell
