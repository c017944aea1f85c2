"""What a client is told whose request cannot be answered: a status, and JSON that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

JSON: Final = "application/json"


def refusal(status: type[web.HTTPException], error: str, **more: Any) -> web.HTTPException:
    """Return what to raise: `{"error": ...}` and whatever else is known, by keyword."""
    return status(text=text_of(error, **more), content_type=JSON)


def too_large(limit: int) -> web.HTTPException:
    """Return what to raise for a body that is larger than `limit` bytes."""
    text = text_of(f"the body is larger than {limit} bytes")
    # aiohttp wants the limit, and the size, which nobody knows who did not read it all.
    return web.HTTPRequestEntityTooLarge(limit, limit + 1, text=text, content_type=JSON)


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
    return {"in": place, "field": field, "reason": reason}


def problems_of(error: ValidationError, place: str, name: str = "") -> list[dict[str, str]]:
    """Return every problem that pydantic found, without the values: they may be secret."""
    return [
        a_problem(place, _field(name, details["loc"]), _lowered(details["msg"]))
        for details in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _field(name: str, location: Iterable[int | str]) -> str:
    return ".".join(map(str, (name, *location) if name else location))


def _lowered(reason: str) -> str:
    return f"{reason[:1].lower()}{reason[1:]}"
