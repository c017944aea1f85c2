"""Starlette on uvicorn, which runs on asyncio and parses by httptools."""

import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from benchmarks import jobs


async def plain(request: Request) -> PlainTextResponse:
    """Answer a text."""
    return PlainTextResponse("Hello world")


async def order(request: Request) -> PlainTextResponse:
    """Answer what the path says."""
    return PlainTextResponse(f"order {request.path_params['number']}")


async def create(request: Request) -> JSONResponse:
    """Answer the JSON that came."""
    return JSONResponse(await request.json())


async def cpu(request: Request) -> PlainTextResponse:
    """Answer the CPU seconds that the process took."""
    return PlainTextResponse(str(time.process_time()))


app = Starlette(
    routes=[
        Route("/", plain),
        Route("/orders/{number:int}", order),
        Route("/orders", create, methods=["POST"]),
        Route("/cpu", cpu),
    ]
)


def serve(job: jobs.Serve) -> None:
    """Serve the four routes."""
    uvicorn.run(
        app,
        port=job.port,
        loop="asyncio",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
