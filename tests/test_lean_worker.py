"""A worker holds in memory what it needs, and nothing else."""

import subprocess
import sys

import pytest

WORKER = """
import sys
from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

app = App(connections=[AMQPConnection("localhost"), SSEConnection("http://localhost")])


@app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options={Events.ON_SUCCESS: Actions.ACK})
async def consume(messages):
    pass


@app.route(["/"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 10})
async def follow(events):
    pass


@app.http.get("/")
async def answer(%s) -> str:
    return ""


print("pydantic.main" in sys.modules)
"""


@pytest.mark.parametrize(("parameter", "is_needed"), [("", False), ("number: int = 1", True)])
def test_the_models_of_pydantic_are_imported_where_a_handler_declares_a_type(parameter, is_needed):
    command = [sys.executable, "-c", WORKER % parameter]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"{is_needed}\n"
