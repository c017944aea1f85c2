"""A document of OpenAPI 3.1: the paths of an app, what requests are made of, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.describing.about import short_name, told_of
from asyncworker.describing.keywords import without_null
from asyncworker.describing.names import Names
from asyncworker.describing.schemas import GIVEN, TAKEN, Schemas, default_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.describing.about import About
    from asyncworker.describing.schemas import Wanted
    from asyncworker.description import Answer, Body, Description, Endpoint, Field

VERSION: Final = "3.1.0"
MULTIPART: Final = "multipart/form-data"
LINE: Final = {"pattern": r"^[^\u0000-\u001f\u007f]*$"}
"""What the names of its fields are, which stand in headers (RFC 9110, 5.5)."""


def openapi(described: Description, about: About) -> dict[str, Any]:
    """Return the document of what is asked by HTTP, and answered.

    Source: OpenAPI Specification 3.1.0.
    """
    return _Writer(described).document(about)


class _Writer:
    """Write one document."""

    def __init__(self, described: Description) -> None:
        self._endpoints = described.endpoints
        self._schemas = Schemas(_wanted(described))
        self._names = Names()

    def document(self, about: About) -> dict[str, Any]:
        """Return it."""
        paths: dict[str, dict[str, Any]] = {}
        for one in self._endpoints:
            methods = paths.setdefault(one.path, {})
            # Those of one path that differ in its patterns alone: a document has but one of them.
            if one.method.lower() not in methods:
                methods[one.method.lower()] = self._operation(one)
        told: dict[str, Any] = {"openapi": VERSION, "info": about.info, "paths": paths}
        if self._schemas.components:
            told["components"] = {"schemas": self._schemas.components}
        return told

    def _operation(self, one: Endpoint) -> dict[str, Any]:
        handler = short_name(one.handler)
        owner = (one.method, one.path)
        told: dict[str, Any] = {
            "operationId": self._names.of(owner, handler),
            **told_of(one.handler),
        }
        if one.parameters:
            told["parameters"] = [self._parameter(each) for each in one.parameters]
        if one.body is not None:
            told["requestBody"] = self._body(one.body)
        told["responses"] = self._responses(one.answers)
        return told

    def _parameter(self, one: Field) -> dict[str, Any]:
        told: dict[str, Any] = {"name": one.name, "in": one.place}
        if one.is_required:
            told["required"] = True
        return {**told, "schema": self._text(one)}

    def _body(self, body: Body) -> dict[str, Any]:
        content = {one: {"schema": self._content(body, one)} for one in body.content_types}
        told: dict[str, Any] = {"content": content}
        return {**told, "required": True} if body.is_required else told

    def _content(self, body: Body, content_type: str) -> dict[str, Any]:
        if body.fields is None:
            return self._schemas.of(body.type, TAKEN)
        form = self._form(body.fields)
        return {**form, "propertyNames": LINE} if content_type == MULTIPART else form

    def _form(self, fields: tuple[Field, ...]) -> dict[str, Any]:
        properties = {one.name: self._text(one) for one in fields}
        required = [one.name for one in fields if one.is_required]
        told = {"type": "object", "properties": properties}
        return {**told, "required": required} if required else told

    def _text(self, one: Field) -> dict[str, Any]:
        """Return the schema of what is text, or a list of texts: without any it is left out."""
        schema = without_null(self._schemas.of(one.type, TAKEN))
        if one.is_required and schema.get("type") == "array":
            return {**schema, "minItems": max(1, schema.get("minItems", 0))}
        return schema | default_of(one)

    def _responses(self, answers: tuple[Answer, ...]) -> dict[str, Any]:
        responses: dict[str, dict[str, Any]] = {}
        for one in answers:
            status = "default" if one.status is None else str(one.status)
            told = responses.setdefault(status, {"description": one.about})
            if one.content_type is not None:
                schema = self._schemas.of(one.type, GIVEN)
                media = {"schema": schema} if schema else {}
                told.setdefault("content", {}).setdefault(one.content_type, media)
        return dict(sorted(responses.items()))


def _wanted(described: Description) -> Iterator[Wanted]:
    for one in described.endpoints:
        for each in one.parameters:
            yield each.type, TAKEN
        if one.body is not None:
            yield one.body.type, TAKEN
            for each in one.body.fields or ():
                yield each.type, TAKEN
        for answer in one.answers:
            yield answer.type, GIVEN
