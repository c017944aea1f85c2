"""UploadedFile: what a form brings beside text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import IO

__all__ = ["UploadedFile"]


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """Hold one file of a form, as long as its request lasts.

    filename: what the client calls it, which is no path to write to. content_type: what the client
    says it is. file: its content, in memory or on disk, open for reading.
    """

    filename: str
    content_type: str
    file: IO[bytes]

    async def read(self) -> bytes:
        """Return the whole content, without holding up others while it is read from a disk."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        self.file.seek(0)
        return self.file.read()
