"""A request's body, read as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from pydantic_core import ValidationError

from asyncworker.fail_fast import failing_fast
from asyncworker.http.refusal import (
    BROKEN,
    JSON,
    a_problem,
    broken_body,
    misfit,
    problems_of,
    refusal,
    too_large,
)
from asyncworker.parameters.converter import REQUIRED

if TYPE_CHECKING:
    from pydantic import TypeAdapter


SMALL: Final = 8192
"""Bytes of a body of which all problems are looked for: each takes memory, and holds up others."""


class Body:
    """Take the whole body, validated."""

    def __init__(self, adapter: TypeAdapter[Any], default: Any) -> None:
        self._validate = adapter.validator.validate_json
        self._validate_large = failing_fast(adapter)
        self.default = default

    def check(self, request: web.Request) -> None:
        """Accept a body by its head.

        Raises: web.HTTPException, with the status and the reason.
        """
        # Any page in a browser can send text/plain, forms, or no type at all to a server on the
        # user's machine; for application/json the browser asks that server first.
        if request.body_exists and not _is_json(request.content_type):
            error = f"the body is {request.content_type!r}: send it as {JSON!r}"
            raise refusal(web.HTTPUnsupportedMediaType, error)
        check_length(request)

    async def read(self, request: web.Request) -> list[Any]:
        """Return the value, which is the only one.

        Raises: web.HTTPException, with the status and the reason.
        """
        self.check(request)
        raw = await _read(request)
        if raw:
            return [self._validated(raw)]
        if self.default is REQUIRED:
            raise _misfit(web.HTTPBadRequest, [a_problem("body", "", "it is missing")])
        return [self.default]

    def _validated(self, raw: bytes) -> Any:
        validate = self._validate if len(raw) <= SMALL else self._validate_large
        try:
            return validate(raw)
        except ValidationError as error:
            status = web.HTTPUnprocessableEntity if _is_of_json(error) else web.HTTPBadRequest
            raise _misfit(status, problems_of(error, "body", size=len(raw))) from None


def check_length(request: web.Request) -> None:
    """Accept a body that may be within the limit.

    Raises: web.HTTPException
    """
    # The limit is that of the decompressed body, which may even be the smaller one.
    is_encoded = hdrs.CONTENT_ENCODING in request.headers
    if not is_encoded and (request.content_length or 0) > request.client_max_size:
        raise too_large(request.client_max_size)


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(request.client_max_size) from None
    except BROKEN:
        # No handler is to blame for that.
        raise broken_body() from None


def _is_json(content_type: str) -> bool:
    return content_type == JSON or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _is_of_json(error: ValidationError) -> bool:
    """Tell JSON that does not fit from what is no JSON, which is one problem."""
    return error.error_count() > 1 or error.errors(include_url=False)[0]["type"] != "json_invalid"


def _misfit(status: type[web.HTTPException], problems: list[dict[str, str]]) -> web.HTTPException:
    return misfit(status, "the body does not fit", problems)
