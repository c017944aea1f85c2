"""Apps whose documents are hard to write: names, types and numbers that nobody expects."""

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field, JsonValue, SecretStr

from asyncworker import App, Cookie, Form, Header, Options, RouteTypes, UploadedFile, codecs
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.http import SSEEvent
from asyncworker.rabbitmq import Binding, Exchange, Message, Queue, RabbitMQMessage, Target

T = TypeVar("T")
ODD_NAMES = (
    "a b",
    "a/b",
    "a~1b",
    "a#b",
    "pedidos-é",
    "注文",
    "orders-{eu}",
    "{",
    "%41",
    '"',
    "$ref",
    ".",
)
MANY = 200
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


class Tree(BaseModel):
    """Hold trees.

    Of any depth.
    """

    children: list["Tree"] = []
    by_name: dict[str, "Tree"] = {}


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: "Page[T] | None" = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=0, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    name: Annotated[str, Field(min_length=1, pattern="^[A-Z]")]


class Odd(BaseModel):
    """Hold one of each <b>kind</b>."""

    when: datetime
    took: timedelta
    price: Decimal
    id: UUID
    color: Color = Color.RED
    at: tuple[float, float] = (0.0, 0.0)
    mixed: tuple[int, ...] = (1,)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    secret: SecretStr = SecretStr("s3cret")
    anything: Any = None
    json_: JsonValue = Field(default=None, alias="json")
    class_: str = Field(default="", alias="class")
    infinite: float = float("inf")
    items: str = ""
    prefixItems: list[int] = []  # noqa: N815 (a keyword of JSON Schema, as the name of a property)


class Reading(msgspec.Struct, tag="reading"):
    celsius: Annotated[float, msgspec.Meta(ge=-273.15)]
    next: "Reading | None" = None


class Pedição(msgspec.Struct):
    """Have a name that no component may have."""

    id: int


@dataclass
class Point:
    x: float
    y: float = 0.0


BODIES = (
    *(Odd, Tree, Page[Tree], Page[int], Point, list[Point], dict[str, Odd], Cat | Dog | None),
    *(Reading, list[Reading], Pedição, Color, bytes, str, int, JsonValue, list[Any]),
)


def make_messages():
    """Return an app whose queues and bodies are odd."""
    app = App(
        connections=[
            AMQPConnection(url="amqp://me:s3cret@a:1,[::1]:2/v%2Fhost", name="main broker"),
            AMQPConnection(url="memory://shop"),
            SSEConnection("https://me:s3cret@events.example/v1"),
        ]
    )
    main, memory, events = app.connections.all
    route = partial(app.route, type=RouteTypes.AMQP_RABBITMQ)
    for name in ODD_NAMES:

        async def consume(messages): ...

        route([name], connection=main)(consume)
    for number, declared in enumerate(BODIES):

        async def take(message): ...

        take.__annotations__["message"] = RabbitMQMessage[declared]
        take.__doc__ = f"Take {declared}.\n\n    <script>&"
        queue = Queue(
            f"bodies-{number}",
            bind=[Binding(Exchange("events", "topic"), "#"), Binding("amq.direct", "x")],
            dead_letter=True,
            arguments={
                "x-own": datetime(2026, 1, 1, tzinfo=UTC),
                "x-more": [1.5, None, {"a": "1"}],
            },
        )
        route([queue], connection=memory, publish_to=Target("key", "events"))(take)

        async def answer(message) -> Any: ...

        answer.__annotations__ = {"message": RabbitMQMessage[declared], "return": declared}
        route([f"questions-{number}"], connection=memory, replies=True)(answer)

    async def read(
        message: RabbitMQMessage,
        tenant: Annotated[str, Header("x tenant/é")],
        n: Annotated[int | None, Header()] = None,
    ) -> Message: ...

    route(["read"], connection=memory, publish_to="bodies-0")(read)
    route(["raw"], connection=memory, options={Options.CODEC: codecs.RAW})(lambda batch: None)

    async def follow(events: list[Reading]): ...

    app.route(["/events?token=s3cret"], type=RouteTypes.SSE, connection=events)(follow)
    return app


def make_http():
    """Return an app whose paths and parameters are odd."""
    app = App()
    for number, declared in enumerate(BODIES):
        if declared in (bytes, str, int, Color, JsonValue) or "Reading" in str(declared):
            continue

        async def post(body) -> Any: ...

        post.__annotations__ = {"body": declared}
        try:
            app.http.post(f"/bodies/{number}")(post)
        except Exception:  # noqa: BLE001 (what is neither one value nor a document)
            continue

    @app.http.get(r"/{year:\d{4}}/{name}/{rest:.*}")
    async def get(
        year: int,
        name: str,
        rest: str,
        color: Color,
        tenant: Annotated[list[UUID], Header("X-Tenant")],
        session: Annotated[str, Cookie("session id")] = "",
        when: datetime | None = None,
        among: list[Literal["a", "b"]] = ["a"],  # noqa: B006
    ) -> Page[Odd] | None:
        """Get `it` <b>now</b>."""

    @app.http.delete(["/{a}/{b}/{c}", "/{x}/{y}"])
    async def remove(point: Point): ...

    @app.http.post("/form")
    async def form(
        title: Annotated[str, Form("the title")],
        files: list[UploadedFile],
        n: Annotated[int, Form()] = 1,
    ) -> AsyncIterator[SSEEvent]:
        yield SSEEvent("", "")

    return app


def make_many():
    """Return an app of 200 routes of either kind."""
    app = App(connections=[AMQPConnection(url="memory://")])
    for number in range(MANY):

        async def handle(tree: Tree) -> Tree: ...

        app.route([f"queue-{number}"], publish_to=f"next-{number}")(handle)
        app.http.post(f"/path-{number}/{{id}}")(handle)
    return app
