"""The heap of a process that is a worker and nothing else."""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
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


def give_back() -> None:
    """Have the system have what was needed for a while and is free now, as far as that is possible.

    To import what a worker is made of takes megabytes that it never needs again. The C library
    keeps them; that of GNU can be asked to return them.
    """
    with suppress(ImportError, AttributeError, OSError, TypeError):
        # Not every Python has it.
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
