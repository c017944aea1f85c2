"""Files that are written, all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class NotWritten(AsyncWorkerError):
    """Report files of which none was written, and why."""


def written(texts: Mapping[Path, str], *, force: bool = False) -> list[Path]:
    """Write files, with the folders that they are in; return them.

    force: whether those that exist are written anew.
    Raises: NotWritten
    """
    found = [] if force else [path for path in texts if path.exists()]
    if found:
        raise NotWritten(f"{found[0]} exists: --force overwrites it, -o names another place")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except FileExistsError:
            raise NotWritten(f"cannot write {path}: {path.parent} is no folder") from None
        except OSError as error:
            raise NotWritten(f"cannot write {path}: {error.strerror}") from None
    return list(texts)


def places(texts: Mapping[str, str], output: Path) -> dict[Path, str]:
    """Return where files go: into a folder, but for a single one whose name is given."""
    if len(texts) > 1 or output.is_dir():
        return {output / name: text for name, text in texts.items()}
    [text] = texts.values()
    return {output: text}
