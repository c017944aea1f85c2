"""An app with every kind of parameter and body, whose document is all that its clients know.

Its models are strict: others take more than their schemas say, as "1" for 1.
"""

import os
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from asyncworker import App, Cookie, Form, Header, UploadedFile
from asyncworker.http import SSEEvent

app = App()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Line(Strict):
    product: str = Field(min_length=1, max_length=50)
    amount: int = Field(gt=0, le=1000)
    options: dict[str, bool] = {}


class Order(Strict):
    id: int
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


@app.http.delete("/orders/{kind}/{day}")
async def remove(kind: str, day: date, why: dict[str, str] | None = None) -> str:
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
    tags: Annotated[list[str], Form()] = [],  # noqa: B006
) -> list[str]:
    """Take a form."""
    return [title, str(number), *tags]


@app.http.post("/pictures")
async def pictures(
    picture: UploadedFile,
    title: Annotated[str, Form()],
    more: list[UploadedFile] = [],  # noqa: B006
) -> dict[str, int]:
    """Take files."""
    return {title: len(await picture.read()) + len(more)}


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
