"""Who is measured. To add a peer: a line here, a file in subjects/, its name in cases.py."""

from dataclasses import dataclass, field
from typing import Final

OURS: Final = "asyncworker"
METERED: Final = "asyncworker, metrics on"
GUARDED: Final = "asyncworker, with a breaker"
ORDERED: Final = "asyncworker, in order by key"
RATED: Final = "asyncworker, with a rate"
TRACED: Final = "asyncworker, traces on"
FLOOR: Final = "librabbitmq (C)"
OLD: Final = "async-worker 0.20.2"


@dataclass(frozen=True)
class Peer:
    """Name one that is measured.

    module: its file in subjects/, without .py. distributions: whose versions are named.
    home: the environment that it runs in, one of environments.py. fast: give it ten times as many
    messages, so that it is measured for about as long as the others. wraps: its file has
    `envelope()`, which turns a message into the form that it sends and takes. imports: what
    a program says first to use it, by the name of the case.
    """

    name: str
    module: str
    distributions: tuple[str, ...]
    home: str = "bench"
    fast: bool = False
    wraps: bool = False
    imports: dict[str, str] = field(default_factory=dict)


_PEERS = (
    Peer(
        OURS,
        "asyncworker",
        ("asyncworker-core", "asyncworker-rabbitmq", "asyncworker-sse", "asyncworker-http"),
        fast=True,
        imports={
            "import-core": "from asyncworker import App, Options, RouteTypes",
            "import-rabbitmq": "from asyncworker import App, Options, RouteTypes\n"
            "from asyncworker.connections import AMQPConnection",
        },
    ),
    Peer(METERED, "asyncworker_metered", ("prometheus-client",), fast=True),
    Peer(GUARDED, "asyncworker_guarded", (), fast=True),
    Peer(ORDERED, "asyncworker_ordered", (), fast=True),
    Peer(RATED, "asyncworker_rated", (), fast=True),
    Peer(TRACED, "asyncworker_traced", ("opentelemetry-sdk",)),
    Peer("aiormq", "aiormq", ("aiormq",), imports={"import-rabbitmq": "import aiormq"}),
    Peer("aio-pika", "aio_pika", ("aio-pika",), imports={"import-rabbitmq": "import aio_pika"}),
    Peer(
        "FastStream",
        "faststream",
        ("faststream",),
        imports={
            "import-core": "from faststream import FastStream",
            "import-rabbitmq": "from faststream import FastStream\n"
            "from faststream.rabbit import RabbitBroker",
        },
    ),
    Peer(
        "taskiq-aio-pika",
        "taskiq_aio_pika",
        ("taskiq-aio-pika", "taskiq"),
        wraps=True,
        imports={"import-rabbitmq": "from taskiq_aio_pika import AioPikaBroker"},
    ),
    Peer(
        OLD,
        "async_worker",
        ("async-worker",),
        home="old",
        imports={
            "import-rabbitmq": "from asyncworker import App, Options, RouteTypes\n"
            "from asyncworker.connections import AMQPConnection",
        },
    ),
    Peer(FLOOR, "librabbitmq", (), home="c", fast=True),
    Peer("aiohttp", "aiohttp", ("aiohttp",)),
    Peer("Starlette on uvicorn", "starlette", ("starlette", "uvicorn", "httptools")),
    Peer("FastAPI on uvicorn", "fastapi", ("fastapi",)),
    Peer("httpx-sse", "httpx_sse", ("httpx-sse", "httpx")),
    Peer("httpx-sse, parsing alone", "httpx_sse_parser", ("httpx-sse",)),
    Peer("aiosseclient", "aiosseclient", ("aiosseclient",)),
    Peer("aiohttp-sse-client2", "aiohttp_sse_client2", ("aiohttp-sse-client2",)),
)

PEERS: Final = {peer.name: peer for peer in _PEERS}
