"""FileCursor: a place in a file."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncworker.cursors.cursor import Place


class FileCursor:
    """Keep the place of a route in a file, for one process.

    It is written anew behind each batch, or behind several while the disk is slow, and holds either
    the one place or the other whenever the power fails.

    path: where; its folder exists.
    Raises: ConfigurationError
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise ConfigurationError(f"FileCursor: path must be that of a file, got {path!r}")
        self._path = Path(path)

    def __repr__(self) -> str:
        return f"FileCursor({str(self._path)!r})"

    async def load(self) -> Place | None:
        """Return the place in the file, None if there is no file.

        Raises: OSError, ValueError
        """
        return await asyncio.to_thread(self._read)

    async def save(self, place: Place, /) -> None:
        """Write the place to the file.

        Raises: OSError
        """
        await asyncio.to_thread(self._write, place)

    def _read(self) -> Place | None:
        if not self._path.parent.is_dir():
            # A place that could not be saved would be found out too late.
            raise FileNotFoundError(f"there is no folder {str(self._path.parent)!r}")
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        place: Place = json.loads(text)
        if type(place) not in (int, str):
            raise ValueError(f"{str(self._path)!r} holds no place: {text[:100]!r}")
        return place

    def _write(self, place: Place) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(f"{json.dumps(place)}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
