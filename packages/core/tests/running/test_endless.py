"""Users' code that never ends: the process does, within seconds of the deadline."""

import signal
import time

import pytest

from asyncworker.running.watchdog import GRACE

SCRIPT = """
import asyncio
import signal
import time

from asyncworker import App, Options

app = App()


async def deaf(*_):
    print("handling", flush=True)
    while True:
        try:
            await asyncio.sleep(0.05)
        except:
            pass


async def stopping_and_deaf(*_):
    signal.raise_signal(signal.SIGTERM)
    await deaf()


async def blocking(*_):
    print("handling", flush=True)
    while True:
        try:
            time.sleep(0.01)
        except:
            pass


async def sleeping(*_):
    print("handling", flush=True)
    time.sleep(1_000_000)


async def blocking_once_cancelled(*_):
    try:
        print("handling", flush=True)
        await asyncio.sleep(1_000_000)
    finally:
        time.sleep(1_000_000)


async def leave_a_task(app):
    app["task"] = asyncio.create_task(deaf())


{declaration}
app.run()
"""
AMQP = """
from asyncworker import RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

rabbit = AMQPConnection(url="memory://")
app = App(connections=[rabbit])
app.route([Queue("jobs")], type=RouteTypes.AMQP_RABBITMQ, options={options})(
    stopping_and_deaf
)


@app.run_every(1000)
async def put():
    await rabbit.put({}, routing_key="jobs")


"""
DEADLINE = 0.5
MARGIN = 3.0
"""Seconds for a busy machine to end a process."""
CUT_SHORT = "the drain was cut short when 0.5 s had passed (ASYNCWORKER_SHUTDOWN_TIMEOUT)"
ENDED = "ended without a complete shutdown: "

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
# The drain of the last is cut short between the time limit's cancellation and its giving up.
OPTIONS = pytest.mark.parametrize(
    "options", ["{}", "{Options.TIMEOUT: 100}", "{Options.TIMEOUT: 0.25}"]
)


@pytest.fixture
def ends(worker):
    """Run an app until its handler runs, stop it, and return how and how soon it ended."""

    async def run(declaration, loop="asyncio", signals=(signal.SIGTERM,)):
        process = await worker(
            SCRIPT.replace("{declaration}", declaration),
            ASYNCWORKER_SHUTDOWN_TIMEOUT=str(DEADLINE),
            ASYNCWORKER_LOOP=loop,
            # It would say meanwhile that the loop is blocked.
            ASYNCWORKER_BLOCKED_AFTER="0",
        )
        await process.printed("handling")
        began = time.monotonic()
        for number in signals:
            process.send(number)
        result = await process.end(limit=20)
        return result, time.monotonic() - began

    return run


@LOOPS
@OPTIONS
async def test_a_handler_that_swallows_whatever_is_raised_in_it_is_left_behind(ends, loop, options):
    result, seconds = await ends(f"app.run_every(1000, {options})(stopping_and_deaf)", loop, ())
    assert result.code == 1
    assert seconds < DEADLINE + MARGIN
    abandoned, last = result.log[-2:]
    assert abandoned["msg"] == "abandoned 1 handler that would not be cancelled"
    (place,) = abandoned["stood_at"]
    assert place.endswith(" in stopping_and_deaf")
    assert last["msg"] == CUT_SHORT


@LOOPS
@OPTIONS
async def test_so_is_a_handler_of_messages(ends, loop, options):
    result, seconds = await ends(AMQP.replace("{options}", options), loop, ())
    assert result.code == 1
    assert seconds < DEADLINE + MARGIN
    assert result.messages[-2:] == ["abandoned 1 handler that would not be cancelled", CUT_SHORT]
    assert all(place.endswith(" in stopping_and_deaf") for place in result.log[-2]["stood_at"])


async def test_further_signals_end_it_at_once(ends):
    result, seconds = await ends("app.run_every(1000)(deaf)", signals=[signal.SIGINT] * 3)
    assert result.code == 1
    assert seconds < MARGIN


async def test_a_task_that_users_left_running_is_named(ends):
    result, seconds = await ends("app.run_on_startup(leave_a_task)")
    assert result.code == 0
    assert seconds < DEADLINE + MARGIN
    (abandoned,) = result.log
    assert abandoned["msg"] == "abandoned 1 task that would not be cancelled"
    assert abandoned["stood_at"][0].endswith(" in deaf")


@LOOPS
@pytest.mark.parametrize("name", ["blocking", "sleeping"])
async def test_a_handler_that_blocks_the_loop_ends_with_the_process(ends, loop, name):
    result, seconds = await ends(f"app.run_every(1000)({name})", loop)
    assert result.code == 1
    assert seconds < DEADLINE + GRACE + MARGIN
    (message,) = result.messages
    assert message.startswith(f"{ENDED}the event loop is blocked at ")
    assert message.endswith(f" in {name}")


async def test_so_does_one_that_blocks_the_loop_when_it_is_cancelled(ends):
    result, _ = await ends("app.run_every(1000)(blocking_once_cancelled)")
    assert result.code == 1
    assert result.messages[-1].endswith(" in blocking_once_cancelled")


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        ("app.run_on_startup(deaf)", "startup hook deaf does not end, at "),
        ("app.run_on_startup(sleeping)", "the event loop is blocked at "),
    ],
)
async def test_a_startup_hook_that_never_ends_is_named(ends, declaration, reason):
    result, _ = await ends(declaration)
    assert result.code == 1
    (message,) = result.messages
    assert message.startswith(f"{ENDED}{reason}")


async def test_a_shutdown_hook_that_never_ends_is_named(ends):
    declaration = "app.run_on_shutdown(deaf); app.run_on_startup(App.shutdown)"
    result, _ = await ends(declaration, signals=())
    assert result.code == 1
    (message,) = result.messages
    assert message.startswith(f"{ENDED}shutdown hook deaf does not end, at ")


async def test_an_app_that_takes_its_time_to_end_is_let_go_on(worker):
    hooks = f"""
app.run_on_startup(App.shutdown)
app.run_on_shutdown(lambda app: time.sleep({GRACE}))
"""
    script = SCRIPT.replace("{declaration}", hooks)
    process = await worker(script, ASYNCWORKER_SHUTDOWN_TIMEOUT="0")
    result = await process.end()
    assert (result.code, result.log) == (0, [])
