"""Signatures of functions, also of those whose annotations only a type checker can evaluate."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Evaluated now, a name that is imported for type checkers alone would be an error (PEP 649).
    LAZILY: dict[str, Any] = {"annotation_format": Format.FORWARDREF}
else:
    LAZILY: dict[str, Any] = {}


def _anything(*args: Any, **kwargs: Any) -> None: ...


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature; what cannot be evaluated in it stays a reference.

    Raises: ValueError, for built-in functions that have none
    """
    try:
        return inspect.signature(function, **LAZILY)
    except TypeError:
        if not callable(function):
            raise
        # Python 3.11.2, that of Debian 12, cannot look at an AsyncMock.
        return inspect.signature(_anything)
