import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.rabbitmq.broker import Broker
from tests.faults import table
from tests.faults.drill import Drill, Row
from tests.faults.proxy import Proxy
from tests.faults.queues import Queues
from tests.faults.run import Run
from tests.faults.worker import WORKERS, Worker

ROWS = pytest.StashKey[list[Row]]()
DRILL = pytest.StashKey[Drill]()
BROKER = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, help="keep what the drills came to in this file")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture(scope="session")
def private_node(private_node: Broker, pytestconfig: pytest.Config) -> Broker:
    """The broker that drills break; a record tells its version."""
    if pytestconfig.getoption("record", None):
        pytestconfig.stash[BROKER] = private_node.ctl("version").strip()
    return private_node


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Drill:
    """One row of the table, named by the docstring of the test, in the section of its module."""
    section = (request.module.__doc__ or "").splitlines()[0].rstrip(".")
    fault = (request.function.__doc__ or "").splitlines()[0].rstrip(".")
    drill = Drill(section, fault)
    request.node.stash[DRILL] = drill
    return drill


@pytest.fixture
def case(drill: Drill, request: pytest.FixtureRequest) -> None:
    """Name the parameters of the test in its row."""
    drill.fault += f" [{request.node.callspec.id}]"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    result = yield
    drill = item.stash.get(DRILL, None)
    if result.when == "call" and drill is not None:
        row = drill.row or Row(drill.section, drill.fault, None, None, None, None, "kept")
        verdict = row.verdict if result.passed else "BROKEN"
        item.config.stash[ROWS].append(replace(row, verdict=verdict))
    return result


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("fault drills")
    terminalreporter.write_line(table.text(rows))
    if file := config.getoption("record", None):
        run = Run.made(rows, config.stash.get(BROKER, None))
        if file.exists() and terminalreporter.stats.get("deselected"):
            run = run.upon(Run.read(file))
        run.write(file)


@pytest.fixture
async def queues(private_node: Broker, drill: Drill) -> AsyncIterator[Queues]:
    """The broker from outside. The drill's own queue is called `drill`."""
    queues = Queues(private_node.url, drill.ledger)
    await queues.declare("drill")
    yield queues
    await queues.clean()


@pytest.fixture
def node(private_node: Broker, queues: Queues) -> Iterator[Broker]:
    """The broker of these queues, for a drill that stops it. At the end it runs again."""
    yield private_node
    private_node.resume()
    private_node.start()


@pytest.fixture(scope="session")
def user(private_node: Broker) -> str:
    """A user beside guest, with every permission; its password is its name."""
    private_node.ctl("add_user", "drill", "drill")
    private_node.ctl("set_permissions", "drill", ".*", ".*", ".*")
    return "drill"


@pytest.fixture
def ctl(private_node: Broker) -> Callable[..., Awaitable[str]]:
    """Run `rabbitmqctl`; a second each."""

    async def ctl(*args: str) -> str:
        return await asyncio.to_thread(private_node.ctl, *args)

    return ctl


@pytest.fixture
async def proxy(private_node: Broker) -> AsyncIterator[Proxy]:
    async with Proxy.to(private_node.port) as proxy:
        yield proxy


@pytest.fixture
def worker(
    private_node: Broker, tmp_path: Path
) -> Callable[..., AbstractAsyncContextManager[Worker]]:
    """Start one of the `workers`, with variables of its own. All of a drill share one record.

    port: that of a proxy; the broker's own when not given. stdout: see Worker.started.
    """

    @asynccontextmanager
    async def start(
        name: str, port: int | None = None, stdout: int = PIPE, **environment: str
    ) -> AsyncIterator[Worker]:
        url = f"amqp://guest:guest@127.0.0.1:{port or private_node.port}/"
        defaults = {"URL": url, "QUEUES": "drill", "ASYNCWORKER_HTTP_PORT": "0"}
        async with Worker.started(
            WORKERS / f"{name}.py", tmp_path / "record", defaults | environment, stdout
        ) as worker:
            yield worker

    return start
