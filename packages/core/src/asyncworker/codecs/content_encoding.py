"""Content encodings: gzip, deflate and zstd, undone within a bound."""

from __future__ import annotations

import sys
import zlib
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from asyncworker.codecs.content_type import charset
from asyncworker.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 3
"""The most encodings one upon the other."""
MOST_PARTS: Final = 1000
"""The most members of a gzip, and frames of a zstd: each takes as long as many bytes."""
CHUNK: Final = 65536
"""Bytes that are decompressed at once."""
SMALL_CHUNK: Final = 64
"""The same where what comes out cannot be bound: two megabytes at the most."""
NOTHING: Final = frozenset({"", "identity", "binary", "7bit", "8bit"})
"""What some publishers write for no encoding."""
GZIP: Final = 16 + zlib.MAX_WBITS
RAW_DEFLATE: Final = -zlib.MAX_WBITS


class Decompressor(Protocol):
    """Be one of the standard library, or like it."""

    @property
    def eof(self) -> bool:
        """Tell whether the end was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Return what came after the end."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return what comes of further bytes."""
        ...


def undone(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Return a body without its content encodings (RFC 9110, 8.4): the last is undone first.

    A charset, which some publishers write there, is none. limit: bytes that each may come to.
    Raises: Invalid
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in NOTHING and charset(name) is None]
    if len(names) > MOST:
        raise Invalid(f"content encodings are more than {MOST}: {content_encoding!r}")
    for name in reversed(names):
        body = _decompressed(body, name, limit)
    return body


def _decompressed(body: bytes, name: str, limit: int) -> bytes:
    make = _maker(name, body)
    pieces: list[bytes] = []
    room, at = limit + 1, 0
    for _ in range(MOST_PARTS):
        part = make()
        while not part.eof:
            chunk = body[at : at + CHUNK]
            at += len(chunk)
            pieces.append(_fed(part, chunk, room, name))
            room -= len(pieces[-1])
            if room <= 0:
                raise Invalid(f"body comes to more than {limit} bytes when {name} is undone")
            if not (chunk or part.eof):
                raise Invalid(f"body is no whole {name}: it ends too early")
        at -= len(part.unused_data)
        if _is_over(body, at):
            return b"".join(pieces)
    raise Invalid(f"body has more than {MOST_PARTS} parts of {name}")


def _fed(part: Decompressor, chunk: bytes, room: int, name: str) -> bytes:
    try:
        return part.decompress(chunk, room)
    except Exception as error:  # noqa: BLE001 (each library has its own)
        raise Invalid(f"body is no {name}: {type(error).__name__}") from None


def _is_over(body: bytes, at: int) -> bool:
    """Tell whether nothing comes but padding. All of the rest is looked at but once."""
    return not body[at : at + CHUNK].strip(b"\0") and not body[at:].strip(b"\0")


def _maker(name: str, body: bytes) -> Callable[[], Decompressor]:
    """Return what makes a decompressor.

    Raises: Invalid, where there is none.
    """
    if name in {"gzip", "x-gzip"}:
        return lambda: zlib.decompressobj(GZIP)
    if name == "deflate":
        # That is zlib's format, but some send what is in it alone.
        is_zlib = len(body) > 1 and body[0] & 15 == 8 and not (body[0] << 8 | body[1]) % 31
        return lambda: zlib.decompressobj(zlib.MAX_WBITS if is_zlib else RAW_DEFLATE)
    if name != "zstd":
        raise Invalid(f"content encoding {name!r} is unknown: gzip, deflate and zstd are undone")
    zstd = _zstd()
    if zstd is None:
        reason = "needs a library: pip install 'asyncworker-core[zstd]'"
        raise Invalid(f"content encoding 'zstd' {reason}")
    return zstd


@cache
def _zstd() -> Callable[[], Decompressor] | None:
    """Return what makes a decompressor of zstd, None where there is no library for it."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            made: Callable[[], Decompressor] = import_module(name).ZstdDecompressor
        except ImportError:
            continue
        return made
    try:
        import_module("zstandard")
    except ImportError:
        return None
    return Zstandard


class Zstandard:
    """Decompress by the library `zstandard`, whose own objects know no bound."""

    def __init__(self) -> None:
        self._of: Any = sys.modules["zstandard"].ZstdDecompressor().decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        """Tell whether the end of a frame was reached."""
        return bool(self._of.eof)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return what comes of further bytes, a little more than `max_length` at the most."""
        made = bytearray()
        for at in range(0, len(data), SMALL_CHUNK):
            made += self._of.decompress(data[at : at + SMALL_CHUNK])
            if self.eof:
                self.unused_data = self._of.unused_data + data[at + SMALL_CHUNK :]
            if self.eof or len(made) >= max_length:
                break
        return bytes(made)
