"""What a codec is."""

from __future__ import annotations

import inspect
from typing import Any, Final, Protocol

from asyncworker.signatures import signature_of

TAKES: Final = {"decode": ("body", "message"), "encode": ("value",)}
"""What is called of a codec, and with what."""


class Codec(Protocol):
    """Turn the bytes of a body into a value, and a value into bytes.

    A distribution announces its codec by an entry point of the group `asyncworker.codecs`, whose
    name in capitals is that of the codec and whose object has these methods. It may have one more:
    `typed(declared)` returns what takes the place of `decode` where a handler declares the type of
    its bodies; without it what `decode` returned is validated. And a `content_type`, where all that
    it reads and writes is of one: documents of an app tell it.
    """

    def decode(self, body: bytes, message: Any) -> Any:
        """Return the value of a body, whose content encoding has been undone.

        message: what came with it, by its `content_type`, `headers` and so on.
        Raises: Invalid, which says what is wrong, for the log. Whatever else it raises makes the
        body as little fit, but only the kind of the error is logged.
        """
        ...

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return the body of a value, and its content type.

        Raises: whatever it likes, for a value that has no form in it.
        """
        ...


def wrong_with(value: Any) -> str | None:
    """Return what a value must be to be a codec; None if it is one."""
    if isinstance(value, type):
        return f"must be a codec, not its class: write {value.__name__}()"
    for name, arguments in TAKES.items():
        method = getattr(value, name, None)
        called = f"{name}({', '.join(arguments)})"
        if not callable(method):
            return f"must be a codec, which has decode(body, message) and encode(value): no {name}"
        if inspect.iscoroutinefunction(method):
            return f"must be a codec whose {called} is no async def"
        try:
            signature_of(method).bind(*arguments)
        except TypeError:
            return f"must be a codec whose {name}() takes ({', '.join(arguments)})"
        except ValueError:
            # A built-in one, which has no signature.
            continue
    return None


def shown(codec: Codec) -> str:
    """Return a codec as tables show it."""
    own = type(codec).__repr__
    return type(codec).__name__ if own is object.__repr__ else repr(codec)
