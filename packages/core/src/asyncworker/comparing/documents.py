"""A document that was written before, and what became of the app since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from asyncworker.comparing import asyncapi, openapi
from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from pathlib import Path

    from asyncworker.comparing.changes import Change
    from asyncworker.comparing.reading import Object
    from asyncworker.description import Format

FORMATS: Final[dict[Format, Any]] = {"asyncapi": asyncapi, "openapi": openapi}
READ: Final = "3."
"""How the versions begin that are read."""


class NoDocument(AsyncWorkerError):
    """Report a file that holds no document that can be compared."""


def read(path: Path) -> tuple[Format, Object]:
    """Return the format of a document, and the document.

    Raises: NoDocument
    """
    try:
        found = from_json(path.read_bytes())
    except OSError as error:
        raise NoDocument(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise NoDocument(f"{path} is no JSON: {error}") from None
    for name in FORMATS:
        if isinstance(found, dict) and name in found:
            version = str(found[name])
            if not version.startswith(READ):
                raise NoDocument(f"{path} is of {name} {version[:20]}: only 3 is read")
            return name, found
    raise NoDocument(f"{path} holds no document of AsyncAPI or OpenAPI")


def compared(format: Format, old: Object, new: Object) -> list[Change]:
    """Return what changed from one document to another of the same format, each of it once."""
    return list(dict.fromkeys(FORMATS[format].changes(old, new)))
