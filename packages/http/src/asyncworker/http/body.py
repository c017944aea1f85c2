"""A request's body, read as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web
from pydantic import ValidationError

from asyncworker.http.refusal import JSON, a_problem, problems_of, refusal, too_large
from asyncworker.http.sources import REQUIRED

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Body:
    """Take the whole body, validated."""

    def __init__(self, adapter: TypeAdapter[Any], default: Any) -> None:
        self._validate = adapter.validator.validate_json
        self._default = default

    def check(self, request: web.Request) -> None:
        """Accept a body by its head.

        Raises: web.HTTPException, with the status and the reason.
        """
        # Any page in a browser can send text/plain, forms, or no type at all to a server on the
        # user's machine; for application/json the browser asks that server first.
        if request.body_exists and not _is_json(request.content_type):
            error = f"the body is {request.content_type!r}: send it as {JSON!r}"
            raise refusal(web.HTTPUnsupportedMediaType, error)
        # The limit is that of the decompressed body, which may even be the smaller one.
        is_encoded = hdrs.CONTENT_ENCODING in request.headers
        if not is_encoded and (request.content_length or 0) > request.client_max_size:
            raise too_large(request.client_max_size)

    async def read(self, request: web.Request) -> Any:
        """Return the value.

        Raises: web.HTTPException, with the status and the reason.
        """
        self.check(request)
        raw = await _read(request)
        if raw:
            return self._validated(raw)
        if self._default is REQUIRED:
            raise _misfit(web.HTTPBadRequest, [a_problem("body", "", "it is missing")])
        return self._default

    def _validated(self, raw: bytes) -> Any:
        try:
            return self._validate(raw)
        except ValidationError as error:
            is_json = error.errors(include_url=False)[0]["type"] != "json_invalid"
            status = web.HTTPUnprocessableEntity if is_json else web.HTTPBadRequest
            raise _misfit(status, problems_of(error, "body")) from None


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(request.client_max_size) from None
    except (web.RequestPayloadError, ConnectionError):
        # The client sent a broken encoding, or left: no handler is to blame for that.
        reason = "it is broken, or ends too early"
        raise _misfit(web.HTTPBadRequest, [a_problem("body", "", reason)]) from None


def _is_json(content_type: str) -> bool:
    return content_type == JSON or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _misfit(status: type[web.HTTPException], problems: list[dict[str, str]]) -> web.HTTPException:
    return refusal(status, "the body does not fit", problems=problems)
