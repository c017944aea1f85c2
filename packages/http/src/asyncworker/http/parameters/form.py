"""A request's body, read as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import FileField
from pydantic_core import ValidationError

from asyncworker.http.parameters.body import check_length
from asyncworker.http.refusal import BROKEN, broken_body, misfit, refusal, too_large
from asyncworker.parameters.converter import Misfit
from asyncworker.uploaded_file import UploadedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multidict import MultiDictProxy

    from asyncworker.http.parameters.sources import Value, Values

    Fields = MultiDictProxy[str | bytes | bytearray | FileField]

URL_ENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class Form:
    """Take fields and files of a form, each for a parameter."""

    def __init__(self, fields: Sequence[Value[Fields] | Values[Fields]]) -> None:
        self._fields = fields

    def check(self, request: web.Request) -> None:
        """Accept a body by its head.

        Raises: web.HTTPException, with the status and the reason.
        """
        if request.body_exists and request.content_type not in (URL_ENCODED, MULTIPART):
            error = f"the body is {request.content_type!r}: send it as {MULTIPART!r}"
            raise refusal(web.HTTPUnsupportedMediaType, error)
        check_length(request)

    async def read(self, request: web.Request) -> list[Any]:
        """Return a value for each of the fields.

        Raises: web.HTTPException, with the status and the reason.
        """
        self.check(request)
        form = await _read(request)
        try:
            return [field.take(form) for field in self._fields]
        except (ValidationError, Misfit):
            problems = [each for field in self._fields for each in field.problems(form)]
        raise misfit(web.HTTPUnprocessableEntity, "the form does not fit", problems)


async def _read(request: web.Request) -> Fields:
    try:
        return await request.post()
    except web.HTTPRequestEntityTooLarge:
        # aiohttp raises the same for both.
        raise too_large(request.client_max_size, ", or its form has too many fields") from None
    except (*BROKEN, HttpProcessingError, ValueError, LookupError):
        # No handler is to blame for that.
        raise broken_body() from None


def texts_in(name: str) -> Callable[[Fields], list[str] | None]:
    """Return what takes the texts of one name from a form; it raises Misfit for others."""

    def texts_of(form: Fields) -> list[str] | None:
        found = form.getall(name, None)
        texts = [each for each in found or () if isinstance(each, str)]
        if found is not None and len(texts) < len(found):
            raise Misfit("it is a file, and should be text")
        return texts or None

    return texts_of


def files_in(name: str) -> Callable[[Fields], list[UploadedFile] | None]:
    """Return what takes the files of one name from a form; it raises Misfit for others."""

    def files_of(form: Fields) -> list[UploadedFile] | None:
        found = form.getall(name, None)
        files = [_uploaded(each) for each in found or () if isinstance(each, FileField)]
        if found is not None and len(files) < len(found):
            raise Misfit("it is text, and should be a file")
        return files or None

    return files_of


def _uploaded(field: FileField) -> UploadedFile:
    return UploadedFile(field.filename, field.content_type, field.file)
