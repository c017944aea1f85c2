"""An app with every kind of parameter and body, whose document is all that its clients know.

Its types take what their schemas say and no more: of others pydantic takes "1" and true for 1.
"""

import os
import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from asyncworker import App, Cookie, Form, Header, UploadedFile
from asyncworker.http import SSEEvent

app = App()


def number(value: Any) -> Any:
    """Return a number as it is: a strict int would refuse 1.0, which JSON Schema takes for one."""
    if isinstance(value, bool | str):
        raise ValueError("no number")  # noqa: TRY004 (pydantic takes no other error for a problem)
    return value


def day(value: Any) -> Any:
    """Return a day as it is: "0" would be the first one that a computer knows."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("no day")
    return value


class Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Line(Exact):
    product: str = Field(min_length=1, max_length=50)
    amount: Annotated[int, Field(gt=0, le=1000), BeforeValidator(number)]
    options: dict[str, StrictBool] = {}


class Order(Exact):
    id: Annotated[int, BeforeValidator(number)]
    kind: Literal["tea", "milk"]
    lines: list[Line] = Field(max_length=5)
    note: str | None = None
    parent: "Order | None" = None


class Placed(BaseModel):
    id: int
    lines: int
    tenant: str | None = None


@app.http.get("/orders/{number}")
async def get(number: int, full: bool = False) -> Placed | None:
    """Get an order."""
    return Placed(id=number, lines=int(full)) if number else None


@app.http.post("/orders")
async def add(
    order: Order,
    dry: bool = False,
    x_tenant: Annotated[str | None, Header()] = None,
) -> tuple[Placed, Literal[201]] | web.HTTPConflict:
    """Place an order."""
    if dry:
        raise web.HTTPConflict
    return Placed(id=order.id, lines=len(order.lines), tenant=x_tenant), 201


@app.http.put("/orders/{number}/lines")
async def replace(number: int, lines: list[Line]) -> None:
    """Replace the lines of an order."""


@app.http.delete("/days/{kind}/{day}")
async def remove(
    kind: str, day: Annotated[date, BeforeValidator(day)], why: dict[str, str] | None = None
) -> str:
    """Remove the orders of a day."""
    return f"{kind} {day}"


@app.http.get("/search")
async def search(
    term: Annotated[str, Field(min_length=1)],
    tags: list[str],
    ids: list[int] = [],  # noqa: B006
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
    factor: float = 1.0,
    sort: Literal["up", "down"] = "up",
    owner: UUID | None = None,
) -> list[str]:
    """Search for orders."""
    return [term, *tags, *map(str, ids)][:limit]


@app.http.get("/headers")
async def headers(
    x_size: Annotated[int, Header()],
    x_tags: Annotated[list[int], Header()],
    session: Annotated[int | None, Cookie()] = None,
) -> dict[str, int | None]:
    """Tell the sum of tags."""
    return {"size": x_size, "tags": sum(x_tags), "session": session}


@app.http.post("/texts")
async def texts(
    title: Annotated[str, Form()],
    number: Annotated[int, Form()] = 0,
    # Of a form nobody could tell one of them from a number that is none.
    sizes: Annotated[list[int], Field(min_length=2), Form()] = [],  # noqa: B006
) -> list[str]:
    """Take a form."""
    return [title, str(number), *map(str, sizes)]


@app.http.post("/pictures")
async def pictures(
    picture: UploadedFile,
    # Of a form nobody could tell other texts from numbers.
    title: Annotated[str, Field(pattern="^[A-Z]+$"), Form()],
    more: UploadedFile | None = None,
) -> dict[str, int]:
    """Take files."""
    return {title: len(await picture.read()) + (more is not None)}


@app.http.get("/rows")
async def rows(count: Annotated[int, Field(ge=0, le=5)] = 2) -> AsyncIterator[str]:
    """Send rows."""
    for number in range(count):
        yield f"{number}\n"


@app.http.get("/events")
async def events() -> AsyncIterator[SSEEvent]:
    """Send an event."""
    yield SSEEvent("tick", "1")


app.http.describe("/-")

if __name__ == "__main__":
    os.environ.setdefault("ASYNCWORKER_HTTP_PORT", "0")
    app.run()
