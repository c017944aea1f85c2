"""The apps of the module `shop`, and commands that read them."""

from click.testing import CliRunner

from asyncworker.cli.command import main

APP = """
from asyncworker import App, Options, RouteTypes
from asyncworker.connections import KafkaConnection, PulsarConnection

app = App(connections=[KafkaConnection(name="main"), PulsarConnection()])

@app.route(["orders", "refunds"], type=RouteTypes.KAFKA, group="shop",
           options={Options.BULK_SIZE: 10})
async def handle(items):
    pass

@app.route(["events"], type=RouteTypes.PULSAR)
async def follow(items):
    pass
"""

SCHEDULES = """
from asyncworker import App, Options

app = App()

@app.run_every(30, options={Options.TIMEOUT: 20})
async def count():
    pass

@app.run_at("30 2 * * MON-FRI")
async def report():
    pass
"""


def invoke(*arguments):
    return CliRunner().invoke(main, arguments, prog_name="asyncworker")


def table(result):
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()]
