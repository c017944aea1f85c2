"""`asyncworker run --workers N`: real processes and real signals."""

import itertools
import json
import os
import signal
import socket

import pytest

from asyncworker.processes.children import Children
from asyncworker.processes.supervisor import Supervisor

PRELUDE = """
import asyncio, os, sys
from pathlib import Path
from asyncworker import App, RouteTypes
from asyncworker.connections import KafkaConnection

app = App(connections=[KafkaConnection(items=[os.getpid()])])

def say(*words):
    # In one piece, as several processes write to one pipe.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def first_time(name):
    try:
        Path(name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
"""

STEADY = f"""{PRELUDE}
@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(pids):
    say("up", *pids)

@app.run_on_shutdown
def leave(app):
    say("down", os.getpid())
"""

STOP = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)


async def ups(parent, count):
    """Return the pids of the next processes that have started, and handled something."""
    pids, started = [], 0
    while len(pids) < count or started < count:
        line = await parent.printed("")
        started += '"started; routes' in line
        if line.startswith("up "):
            pids.append(int(line.split()[1]))
    return pids


def downs(result):
    return sorted(int(line.split()[1]) for line in result.output if line.startswith("down "))


@STOP
async def test_a_signal_drains_all_processes(command, number):
    parent = await command(STEADY, "run", "shop", "--workers", "3")
    pids = await ups(parent, 3)
    assert len(set(pids)) == 3
    parent.send(number)
    result = await parent.end()
    assert downs(result) == sorted(pids)
    assert (result.code, result.errors) == (0, "")


async def test_ctrl_c_reaches_each_process_once(command):
    parent = await command(STEADY, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    # As a terminal does.
    parent.send_group(signal.SIGINT)
    result = await parent.end()
    assert downs(result) == sorted(pids)
    assert (result.code, result.errors) == (0, "")


BUSY = f"""{PRELUDE}
@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(pids):
    say("up", *pids)
    while not Path("may end").exists():
        await asyncio.sleep(0.01)
    say("down", *pids)
"""


async def test_a_signal_to_every_process_of_a_unit_drains_them(command, tmp_path):
    """As systemd does by default: each process gets it once more, from its parent."""
    parent = await command(BUSY, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    for one in pids:
        os.kill(one, signal.SIGTERM)
    parent.send(signal.SIGTERM)
    await parent.printed("passing it on to 2 processes")
    for one in pids:
        os.kill(one, signal.SIGTERM)
    (tmp_path / "may end").touch()
    result = await parent.end()
    assert downs(result) == sorted(pids)
    assert (result.code, result.errors) == (0, "")


async def test_a_signal_that_finds_a_process_behind_its_run_is_no_failure(command):
    late = f"""{STEADY}
import atexit, signal
atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))
"""
    parent = await command(late, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert downs(result) == sorted(pids)
    assert (result.code, result.errors) == (0, "")


@pytest.mark.parametrize("to_all", [False, True])
async def test_a_second_signal_hurries(command, to_all):
    parent = await command(BUSY, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    for _ in range(2):
        for one in pids if to_all else []:
            os.kill(one, signal.SIGTERM)
        parent.send(signal.SIGTERM)
        await parent.printed("passing it on to 2 processes")
    result = await parent.end()
    assert result.messages.count("SIGTERM again: cancelling what still runs") == 2
    assert result.code == 1


async def test_a_second_signal_is_passed_on_too(command):
    hanging = f"""{PRELUDE}
@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(pids):
    say("up", *pids)
    await asyncio.Event().wait()
"""
    parent = await command(hanging, "run", "shop", "--workers", "2")
    await ups(parent, 2)
    parent.send(signal.SIGTERM)
    for _ in range(2):
        await parent.printed('SIGTERM: stopping"')
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert result.messages.count("SIGTERM again: cancelling what still runs") == 2
    assert result.code == 1


async def test_a_process_that_dies_is_started_again_and_a_line_of_the_log_says_so(command):
    parent = await command(STEADY, "run", "shop", "--workers", "2")
    first, second = await ups(parent, 2)
    os.kill(second, signal.SIGKILL)
    (third,) = await ups(parent, 1)
    assert third not in (first, second)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert result.messages == [f"process {second} was killed by SIGKILL"]
    assert downs(result) == sorted([first, third])
    assert result.code == 0


async def test_a_process_that_dies_by_a_signal_without_a_name_is_started_again(command):
    parent = await command(STEADY, "run", "shop", "--workers", "1")
    (first,) = await ups(parent, 1)
    os.kill(first, signal.SIGRTMIN + 6)
    await ups(parent, 1)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert result.messages == [f"process {first} was killed by signal {signal.SIGRTMIN + 6}"]
    assert result.code == 0


async def test_each_line_tells_its_process(command):
    parent = await command(STEADY, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    lines = [json.loads(line) for line in result.output if line.startswith("{")]
    assert {line["process"] for line in lines if "started; " in line["msg"]} == set(pids)
    (ours,) = {line["process"] for line in lines if "passing it on" in line["msg"]}
    assert ours not in pids


async def test_one_worker_is_watched_as_well(command):
    parent = await command(STEADY, "run", "shop", "--workers", "1")
    (first,) = await ups(parent, 1)
    os.kill(first, signal.SIGSEGV)
    (second,) = await ups(parent, 1)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert downs(result) == [second]
    assert result.code == 0


async def test_a_process_that_dies_again_and_again_is_started_less_and_less_often(command):
    dying = f"""{STEADY}
app.started_hooks.append(lambda app: asyncio.get_running_loop().call_soon(os._exit, 7))
"""
    parent = await command(dying, "run", "shop", "--workers", "1")
    for least, most in [(0.25, 0.5), (0.5, 1), (1, 2)]:
        line = json.loads(await parent.printed("starting another process in"))
        assert least - 0.05 <= float(line["msg"].split()[-2]) <= most + 0.05
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert {message.partition(" ended ")[2] for message in result.messages} == {"with exit code 7"}


async def test_a_process_that_was_killed_counts_as_a_shell_counts_it(command):
    stuck = f"""{STEADY}
@app.run_on_shutdown
async def wait(app):
    say("draining")
    await asyncio.Event().wait()
"""
    parent = await command(stuck, "run", "shop", "--workers", "1")
    (pid,) = await ups(parent, 1)
    parent.send(signal.SIGTERM)
    await parent.printed("draining")
    os.kill(pid, signal.SIGKILL)
    result = await parent.end()
    assert result.messages == [f"process {pid} was killed by SIGKILL"]
    assert result.code == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("death", "code"),
    [("os.kill(os.getpid(), 9)", 137), ("os.kill(os.getpid(), 40)", 168), ("os._exit(3)", 3)],
)
async def test_a_process_that_dies_in_the_drain_leaves_the_others_theirs(command, death, code):
    dying = f"""{PRELUDE}
gone = Path("gone")

@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(pids):
    say("up", *pids)
    app["first"] = first_time("first")

@app.run_on_shutdown
async def leave(app):
    if app["first"]:
        gone.touch()
        {death}
    while not gone.exists():
        await asyncio.sleep(0.01)
    say("down", os.getpid())
"""
    parent = await command(dying, "run", "shop", "--workers", "3")
    pids = await ups(parent, 3)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    down = downs(result)
    assert len(down) == 2
    (dead,) = set(pids) - set(down)
    (message,) = result.messages
    assert message.startswith(f"process {dead} ")
    assert result.code == code


async def test_the_worst_exit_code_is_that_of_the_parent(command):
    uneven = f"""{STEADY}
is_first = first_time("first")

@app.run_on_shutdown
def fail(app):
    if not is_first:
        raise ValueError
"""
    parent = await command(uneven, "run", "shop", "--workers", "3")
    await ups(parent, 3)
    parent.send(signal.SIGTERM)
    assert (await parent.end()).code == 1


async def test_a_process_that_ends_by_itself_is_not_started_again(command):
    ending = f"""{PRELUDE}
@app.route(["pids"], type=RouteTypes.KAFKA)
async def handle(pids):
    say("up", *pids)
    app.shutdown()
"""
    parent = await command(ending, "run", "shop", "--workers", "2")
    await ups(parent, 2)
    result = await parent.end()
    assert (result.code, result.errors) == (0, "")


# Processes that are replaced

WEARING = f"""{PRELUDE}
@app.run_every(0.01)
async def tick():
    pass

@app.run_on_shutdown
def leave(app):
    say("down", os.getpid())
"""


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (("--max-messages", "1"), "messages (--max-messages 1)"),
        (("--max-memory", "1M"), "of memory (--max-memory 1 MB)"),
    ],
)
async def test_processes_that_reach_a_limit_are_drained_and_replaced_one_at_a_time(
    command, limit, reason
):
    parent = await command(WEARING, "run", "shop", "--workers", "2", *limit)
    for _ in range(3):
        await parent.printed("replacing process")
        await parent.printed("started; routes")
    parent.send(signal.SIGTERM)
    result = await parent.end()
    told = [line for line in result.output if reason in line]
    assert len(told) >= 3
    words = ("started process", "replacing process")
    steps = [word for line in result.output for word in words if word in line]
    # None is replaced before all are at work again.
    assert steps[:2] == ["started process"] * 2
    assert set(itertools.pairwise(steps[2:])) == {words, words[::-1]}
    assert (result.code, result.errors) == (0, "")


async def test_a_signal_does_not_hurry_a_process_that_drains_to_be_replaced(command, tmp_path):
    busy = f"""{WEARING}
@app.run_every(3600)
async def long():
    say("up", os.getpid())
    while not Path("may end").exists():
        await asyncio.sleep(0.01)
    say("done", os.getpid())
"""
    parent = await command(busy, "run", "shop", "--workers", "2", "--max-messages", "1")
    await parent.printed("replacing process")
    parent.send(signal.SIGTERM)
    await parent.printed("passing it on to 2 processes")
    (tmp_path / "may end").touch()
    result = await parent.end()
    runs = {
        word: {line.split()[1] for line in result.output if line.startswith(f"{word} ")}
        for word in ("up", "done", "down")
    }
    assert runs["up"] == runs["done"]
    assert len(runs["down"]) == 2
    assert (result.code, result.errors) == (0, "")


# An app that cannot start


async def test_an_app_that_cannot_be_imported_says_so_once_and_ends_the_parent(command):
    parent = await command("print('imported')\n1 / 0", "run", "shop", "--workers", "4")
    result = await parent.end()
    assert result.code == 1
    assert result.output.count("imported") == 1
    lines = result.errors.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"


async def test_a_wrong_target_is_one_line_and_ends_the_parent(command):
    parent = await command("", "run", "shop:ap", "--workers", "4")
    result = await parent.end()
    assert (result.errors, result.code) == ("Error: module 'shop' has no 'ap'\n", 2)


async def test_a_startup_hook_that_raises_ends_the_parent(command):
    failing = f"{PRELUDE}\n@app.run_on_startup\ndef fail(app):\n    raise ValueError('no config')"
    parent = await command(failing, "run", "shop", "--workers", "4")
    result = await parent.end()
    assert result.messages == ["startup hook fail raised ValueError('no config')"]
    assert result.code == 1


async def test_once_one_has_started_others_that_cannot_are_tried_again(command):
    single = f"""{STEADY}
if not first_time("first") and first_time("second"):
    sys.exit("only one for now")
"""
    parent = await command(single, "run", "shop", "--workers", "2")
    pids = await ups(parent, 2)
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert downs(result) == sorted(pids)
    assert "only one for now" in result.errors
    assert result.code == 0


IMPORTING = """
import time

print("importing", flush=True)
while True:
    time.sleep(0.01)
"""


@STOP
async def test_a_signal_during_the_import_is_a_stop_and_no_failure(command, number):
    parent = await command(IMPORTING, "run", "shop", "--workers", "2")
    await parent.printed("importing")
    parent.send(number)
    result = await parent.end()
    assert (result.code, result.errors) == (0, "")


@STOP
async def test_a_signal_during_the_import_of_a_single_process_is_a_stop_too(command, number):
    process = await command(IMPORTING, "run", "shop")
    await process.printed("importing")
    process.send(number)
    result = await process.end()
    assert (result.code, result.errors) == (0, "")


async def test_a_signal_before_the_app_is_imported_is_a_stop(command):
    parent = await command(STEADY, "run", "shop", "--workers", "2")
    await parent.printed("started process")
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert (result.code, result.errors) == (0, "")


# A parent that is gone


async def test_processes_end_with_a_parent_that_was_killed(command):
    parent = await command(STEADY, "run", "shop", "--workers", "3")
    pids = await ups(parent, 3)
    parent.send(signal.SIGKILL)
    # The output ends when the last process that holds it has ended.
    result = await parent.end()
    assert downs(result) == sorted(pids)


async def test_processes_end_with_a_parent_that_was_killed_during_their_import(command):
    parent = await command(IMPORTING, "run", "shop", "--workers", "2")
    await parent.printed("importing")
    parent.send(signal.SIGKILL)
    await parent.end()


async def test_a_process_that_blocks_does_not_outlive_its_parent(worker):
    ours, theirs = socket.socketpair()
    script = """
    import os, signal, socket, time
    from asyncworker.processes import parent_socket

    parent_socket.ORPHAN_GRACE = 0.1
    ours, theirs = socket.socketpair()
    parent_socket.ParentSocket(theirs.detach()).end_with_parent(0)
    signal.signal(signal.SIGTERM, lambda *_: print("deaf", flush=True))
    ours.close()
    while True:
        time.sleep(0.01)
    """
    with ours, theirs:
        process = await worker(script)
        await process.printed("deaf")
        assert (await process.end()).code == 1


async def test_a_machine_without_room_for_a_process_is_tried_again_later(caplog, monkeypatch):
    children = Children(["run", "shop"])
    children.started.set()
    attempts = []

    async def start(*_):
        attempts.append("one")
        if len(attempts) == 2:
            children.stopping.set()
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(children, "start", start)
    assert await Supervisor(children, 1, "").run() == 1
    reason = "cannot start a process: [Errno 11] Resource temporarily unavailable"
    assert caplog.messages == [reason] * 2
