"""The heap of a process that is a worker and nothing else."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def settled_heap() -> Iterator[None]:
    """Have the garbage collector pass over what is there already, as long as the context lasts.

    Modules, classes and models stay to the end. The collector would look through all of them again
    and again, the more often the more objects a message is made of.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
