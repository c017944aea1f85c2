"""FastAPI on uvicorn, which runs on asyncio and parses by httptools."""

import time

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from benchmarks import jobs
from benchmarks.models.pydantic import Order

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
async def plain() -> str:
    """Answer a text."""
    return "Hello world"


@app.get("/orders/{number}", response_class=PlainTextResponse)
async def order(number: int) -> str:
    """Answer what the path says."""
    return f"order {number}"


@app.post("/orders")
async def create(order: Order) -> Order:
    """Answer the JSON that came."""
    return order


@app.get("/cpu", response_class=PlainTextResponse)
async def cpu() -> str:
    """Answer the CPU seconds that the process took."""
    return str(time.process_time())


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
