"""The documents of an app, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic_core import to_json

from asyncworker.describing.about import about
from asyncworker.describing.asyncapi import asyncapi
from asyncworker.describing.gathering import described
from asyncworker.describing.openapi import openapi

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.description import Format

Document: TypeAlias = dict[str, Any]
WRITERS: Final[dict[str, Any]] = {"asyncapi": asyncapi, "openapi": openapi}


def document(
    app: App, format: Format | None = None, title: str | None = None, version: str | None = None
) -> Document:
    """Return the document of an app.

    format: OpenAPI where the app has routes of HTTP alone, and else AsyncAPI, when left out. title,
    version: of the app; by its module when left out.
    """
    told = described(app)
    usual: Format = "openapi" if told.endpoints and not told.operations else "asyncapi"
    made: Document = WRITERS[format or usual](told, about(app, title, version))
    return made


def written(document: Document) -> str:
    """Return a document as text, the same for the same document."""
    text = to_json(document, indent=2, inf_nan_mode="null", fallback=str)
    return f"{text.decode()}\n"
