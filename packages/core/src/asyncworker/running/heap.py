"""The heap of a process that is a worker and nothing else."""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

YOUNG: Final = 10_000
"""New objects after which the collector looks at those that are left: messages go without it, and a
few batches of them are thousands of objects."""
LOWEST: Final = 2_000
"""The most that a Python has by itself; 0 would be none at all."""


@contextmanager
def settled_heap() -> Iterator[None]:
    """Have the garbage collector pass over what is there already, as long as the context lasts.

    Modules, classes and models stay to the end. The collector would look through all of them again
    and again, the more often the more objects a message is made of. Of what comes later it looks at
    more at a time, unless the program has said itself at how much.
    """
    gc.collect()
    gc.freeze()
    thresholds = gc.get_threshold()
    if 0 < thresholds[0] <= LOWEST:
        gc.set_threshold(YOUNG, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def give_back() -> None:
    """Have the system have what was needed for a while and is free now, as far as that is possible.

    To import what a worker is made of takes megabytes that it never needs again. The C library
    keeps them; that of GNU can be asked to return them.
    """
    with suppress(ImportError, AttributeError, OSError, TypeError):
        # Not every Python has it.
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
