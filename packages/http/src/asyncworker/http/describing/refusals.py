"""What asyncworker answers by itself, where a request cannot reach its handler or that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from asyncworker.description import Answer
from asyncworker.http.refusal import JSON, MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.description import Body
    from asyncworker.description import Field as Taken

TEXT: Final = "text/plain"
OF_BODY: Final = {
    400: "The body is broken, or of no form that can be read.",
    413: "The body is too large.",
    415: "The body is of another content type.",
    422: "The body does not fit.",
}
MISFIT: Final = "The request does not fit."


class Problem(BaseModel):
    """Say what is wrong with a request."""

    in_: str = Field(alias="in")
    field: str
    reason: str


class Refusal(BaseModel):
    """Say why a request is not answered."""

    error: str


class Misfit(BaseModel):
    """Say why a request is not answered, and what is wrong with it."""

    error: str
    problems: list[Problem] = Field(max_length=MOST)
    count: int = Field(default=0, description="How many problems there are, if not all are told.")


def refusals(
    parameters: tuple[Taken, ...], body: Body | None, timeout: float | None
) -> Iterator[Answer]:
    """Yield these answers, in the form in which they are sent.

    timeout: seconds that the handler may take; None for any.
    """
    if any(one.place == "path" for one in parameters):
        about = "Nothing is of that path."
        yield Answer(status=404, about=about, content_type=TEXT, type=str)
    if body is not None:
        for status, about in OF_BODY.items():
            declared = Misfit if status in (400, 422) else Refusal
            yield _refusal(status, MISFIT if status == 400 else about, declared)
    elif any(_can_misfit(one) for one in parameters):
        yield _refusal(400, MISFIT, Misfit)
    yield _refusal(500, "The handler failed.", Refusal)
    if timeout is not None:
        yield _refusal(504, f"The handler took longer than {timeout:g} s.", Refusal)


def _refusal(status: int, about: str, declared: type[BaseModel]) -> Answer:
    return Answer(status=status, about=about, content_type=JSON, type=declared)


def _can_misfit(one: Any) -> bool:
    return one.place != "path" or not _is_text(one.type)


def _is_text(declared: Any) -> bool:
    return declared is str or getattr(declared, "__origin__", None) is str
