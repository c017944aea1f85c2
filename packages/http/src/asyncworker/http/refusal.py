"""What a client is told whose request cannot be answered: a status, and JSON that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

JSON: Final = "application/json"
BROKEN: Final = (web.RequestPayloadError, ConnectionError)
"""What reading a body raises when the client sent a broken encoding, or left."""
MOST: Final = 20
"""The most problems that a client is told."""
LONGEST: Final = 500
"""The most characters of a field, and of a reason: a client's own keys are in them."""
AFFORDABLE: Final = 2**26
"""Bytes that a list of problems may take: each of them can hold a key as long as the body."""


def refusal(status: type[web.HTTPException], error: str, **more: Any) -> web.HTTPException:
    """Return what to raise: `{"error": ...}` and whatever else is known, by keyword."""
    return status(text=text_of(error, **more), content_type=JSON)


def too_large(limit: int, otherwise: str = "") -> web.HTTPException:
    """Return what to raise for a body that is larger than `limit` bytes.

    otherwise: what else may be wrong with it.
    """
    text = text_of(f"the body is larger than {limit} bytes{otherwise}")
    # aiohttp wants the limit, and the size, which nobody knows who did not read it all.
    return web.HTTPRequestEntityTooLarge(limit, limit + 1, text=text, content_type=JSON)


def misfit(
    status: type[web.HTTPException], error: str, problems: list[dict[str, str]]
) -> web.HTTPException:
    """Return what to raise for problems: the first of them are told, and how many there are."""
    count = {"count": len(problems)} if len(problems) > MOST else {}
    return refusal(status, error, problems=problems[:MOST], **count)


def broken_body() -> web.HTTPException:
    """Return what to raise for a body that ended early, or whose encoding is none."""
    problem = a_problem("body", "", "it is broken, or ends too early")
    return misfit(web.HTTPBadRequest, "the body does not fit", [problem])


def failure() -> web.Response:
    """Return the answer for a handler that failed; what happened is for the log alone."""
    return web.Response(status=500, text=text_of("internal server error"), content_type=JSON)


def timed_out() -> web.Response:
    """Return the answer for a handler that took longer than its `Options.TIMEOUT`."""
    return web.Response(status=504, text=text_of("gateway timeout"), content_type=JSON)


def text_of(error: str, **more: Any) -> str:
    """Return the JSON of a refusal."""
    return to_json({"error": error, **more}).decode()


def a_problem(place: str, field: str, reason: str) -> dict[str, str]:
    """Return one problem of a request: where (path, query, body), which field, and why."""
    return {"in": place, "field": _cut(field), "reason": _cut(reason)}


def problems_of(
    error: ValidationError, place: str, name: str = "", size: int = 0
) -> list[dict[str, str]]:
    """Return every problem that pydantic found, without the values: they may be secret.

    size: of what was validated, in bytes; too many problems of something large are one.
    """
    count = error.error_count()
    if count > MOST and count * size > AFFORDABLE:
        return [a_problem(place, name, f"it has {count} problems")]
    return [
        a_problem(place, _field(name, details["loc"]), _lowered(details["msg"]))
        for details in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _field(name: str, location: Iterable[int | str]) -> str:
    return ".".join(map(str, (name, *location) if name else location))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _lowered(reason: str) -> str:
    return f"{reason[:1].lower()}{reason[1:]}"
