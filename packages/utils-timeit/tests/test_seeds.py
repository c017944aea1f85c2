"""The Timeit examples of the two READMEs that this package goes by, as they stand there."""

import re
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import pytest

from asyncworker.utils import Timeit

LONG_CONTEXT_MANAGER = """\
import asyncio
from asyncworker.utils import Timeit


async def log_callback(**kwargs):
    print(kwargs)
    # >>> {'transactions': {'xablau': 1.0028090476989746}, 'exc_type': None, 'exc_val': None, 'exc_tb': None}


async def main():
    async with Timeit(name="xablau", callback=log_callback):
        await asyncio.sleep(1)

loop = asyncio.get_event_loop()
loop.run_until_complete(main())
"""  # noqa: E501

LONG_EXCEPTION = """\
import asyncio
from asyncworker.utils import Timeit


async def log_callback(**kwargs):
    print(kwargs)
    # >>> {'transactions': {'xablau': 3.0994415283203125e-06}, 'exc_type': <class 'KeyError'>, 'exc_val': KeyError('error',), 'exc_tb': <traceback object at 0x10c10c7c8>}


async def main():
    async with Timeit(name="xablau", callback=log_callback):
        raise KeyError("error")

loop = asyncio.get_event_loop()
loop.run_until_complete(main())
"""  # noqa: E501

LONG_DECORATOR = """\
# ...

@app.route(["xablau-queue"], type=RouteTypes.AMQP_RABBITMQ, vhost="/")
@Timeit(name="xablau-access-time", callback=log_callback)
async def drain_handler(message):
    await access_some_remote_content()
"""

LONG_TRANSACTIONS = """\
async def printit(**kwargs):
    print(kwargs)
    # >>> {'transactions': {'c': 0.10274815559387207, 'b': 0.20585179328918457, 'a': 0.3061490058898926}, 'exc_type': None, 'exc_val': None, 'exc_tb': None}


async def foo():
    async with Timeit(name='a', callback=printit) as timeit:
        await asyncio.sleep(.1)
        async with timeit(name='b'):
            await asyncio.sleep(.1)
            async with timeit(name='c'):
                await asyncio.sleep(.1)
"""  # noqa: E501

SHORT_CONTEXT_MANAGER = """\
import traceback
from typing import Type

from asyncworker.utils import Timeit


# App initialization stuff...

async def log_callback(name: str,
                       time_delta: float, 
                       exc_type: Type[Exception]=None, 
                       exc_val: Exception=None, 
                       exc_tb: traceback=None):
    log = {'name': name, 'time_delta': time_delta}
    if exc_type:
        await logger.error(log, exc_info=(exc_type, exc_val, exc_tb))
    else:
        await logger.info(log)


@app.route(["xablau-queue"], vhost="/")
async def drain_handler(message):
    async with Timeit(name="xablau-access-time", callback=log_callback):
        await access_some_remote_content()
"""  # noqa: W291

SHORT_EXTRA_KEYWORDS = """\
import traceback
from typing import Type

from asyncworker.utils import Timeit


# App initialization stuff...

async def log_callback(name: str,
                       time_delta: float, 
                       exc_type: Type[Exception]=None, 
                       exc_val: Exception=None, 
                       exc_tb: traceback=None,
                       dog: str=None):
    log = {'name': name, 'time_delta': time_delta, 'dog': dog}
    if exc_type:
        await logger.error(log, exc_info=(exc_type, exc_val, exc_tb))
    else:
        await logger.info(log)


@app.route(["xablau-queue"], vhost="/")
async def drain_handler(message):
    async with Timeit(name="xablau-access-time", callback=log_callback, dog='Xablau'):
        await access_some_remote_content()
"""  # noqa: W291

# Newer Pythons have no event loop unless one was set; what the examples wait for is made shorter.
PRELUDE = "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())\n"
EPILOGUE = "\nasyncio.get_event_loop().close()\n"


def run_script(source):
    source = PRELUDE + source.replace("sleep(1)", "sleep(.01)").replace("sleep(.1)", "sleep(.01)")
    command = [sys.executable, "-c", source]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def without_numbers(text):
    """Replace what differs from run to run: the seconds and the address of the traceback."""
    text = re.sub(r"\d+\.\d+(e-\d+)?|\d+e-\d+", "SECONDS", text)
    return re.sub(r"0x[0-9a-f]+", "ADDRESS", text)


@pytest.fixture
def namespace():
    """Stand in for the application that the shorter examples leave out."""

    def route(routes, **options):
        return lambda handler: handler

    return {
        "app": SimpleNamespace(route=route),
        "RouteTypes": SimpleNamespace(AMQP_RABBITMQ="amqp_rabbitmq"),
        "logger": mock.AsyncMock(),
        "access_some_remote_content": mock.AsyncMock(),
    }


def test_the_long_example_of_the_context_manager_prints_what_it_says():
    result = run_script(LONG_CONTEXT_MANAGER + EPILOGUE)
    assert result.stderr == ""
    assert without_numbers(result.stdout) == (
        "{'transactions': {'xablau': SECONDS}, 'exc_type': None, 'exc_val': None, 'exc_tb': None}\n"
    )


def test_the_long_example_of_an_exception_prints_what_it_says():
    result = run_script(LONG_EXCEPTION)
    assert without_numbers(result.stdout) == (
        "{'transactions': {'xablau': SECONDS}, 'exc_type': <class 'KeyError'>,"
        " 'exc_val': KeyError('error'), 'exc_tb': <traceback object at ADDRESS>}\n"
    )
    assert result.returncode == 1
    assert "KeyError: 'error'" in result.stderr


async def test_the_long_example_of_the_decorator_runs_at_every_call(namespace, reports):
    namespace |= {"Timeit": Timeit, "log_callback": reports.callback}
    exec(LONG_DECORATOR, namespace)
    await namespace["drain_handler"]("message")
    await namespace["drain_handler"]("message")
    assert [list(times) for times in reports.transactions] == [["xablau-access-time"]] * 2
    assert namespace["access_some_remote_content"].await_count == 2


def test_the_long_example_of_several_transactions_prints_what_it_says():
    result = run_script(
        "from asyncworker.utils import Timeit\n" + LONG_TRANSACTIONS + "\nasyncio.run(foo())"
    )
    assert result.stderr == ""
    assert without_numbers(result.stdout) == (
        "{'transactions': {'c': SECONDS, 'b': SECONDS, 'a': SECONDS},"
        " 'exc_type': None, 'exc_val': None, 'exc_tb': None}\n"
    )
    c, b, a = (float(seconds) for seconds in re.findall(r"\d+\.\d+", result.stdout))
    assert c < b < a


@pytest.mark.parametrize(
    ("source", "extra"),
    [(SHORT_CONTEXT_MANAGER, {}), (SHORT_EXTRA_KEYWORDS, {"dog": "Xablau"})],
)
async def test_the_short_examples_log_what_they_say(source, extra, namespace):
    exec(source, namespace)
    logger = namespace["logger"]
    await namespace["drain_handler"]("message")
    log = {"name": "xablau-access-time", "time_delta": mock.ANY} | extra
    logger.info.assert_awaited_once_with(log)

    error = KeyError("error")
    namespace["access_some_remote_content"].side_effect = error
    with pytest.raises(KeyError):
        await namespace["drain_handler"]("message")
    logger.error.assert_awaited_once_with(log, exc_info=(KeyError, error, mock.ANY))
    logger.info.assert_awaited_once()
