"""`asyncworker run --reload`: real processes, and files that change under them."""

import signal

APP = """
import os
from asyncworker import App

app = App()
folder = os.getcwd()

def say(*words):
    # In one piece, as several processes write to one pipe.
    os.write(1, (" ".join(words) + "\\n").encode())

@app.run_on_startup
def enter(app):
    say("up", "first version")

@app.run_on_shutdown
def leave(app):
    say("down", "first version")
"""

# A change of size, as well as of time, so that no cached bytecode is taken for the new code.
CHANGED = APP.replace("first version", "the second version")


def write(path, text):
    """Replace a file at once, as editors do."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


async def test_a_change_drains_the_old_code_and_starts_the_new(command, tmp_path):
    parent = await command(APP, "run", "shop", "--reload")
    await parent.printed("up first version")
    await parent.printed("started; routes")
    write(tmp_path / "shop.py", CHANGED)
    await parent.printed("changed, starting again")
    await parent.printed("down first version")
    await parent.printed("up the second version")
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert "down the second version" in result.output
    assert (result.code, result.errors) == (0, "")


async def test_code_that_fails_is_started_again_when_it_is_mended(command, tmp_path):
    parent = await command("1 / 0", "run", "shop", "--reload")
    await parent.printed("waiting for a change of code")
    write(tmp_path / "shop.py", APP)
    await parent.printed("up first version")
    parent.send(signal.SIGTERM)
    result = await parent.end()
    assert "ZeroDivisionError: division by zero" in result.errors.splitlines()
    assert result.code == 0


async def test_a_process_that_is_killed_waits_for_a_change(command, tmp_path):
    dying = APP + "\napp.started_hooks.append(lambda app: os.kill(os.getpid(), 9))\n"
    parent = await command(dying, "run", "shop", "--reload")
    await parent.printed("waiting for a change of code")
    write(tmp_path / "shop.py", CHANGED)
    await parent.printed("up the second version")
    parent.send(signal.SIGINT)
    assert (await parent.end()).code == 0


async def test_a_stop_while_waiting_for_a_change_ends_with_the_code_of_the_last(command):
    parent = await command("1 / 0", "run", "shop", "--reload")
    await parent.printed("waiting for a change of code")
    parent.send(signal.SIGTERM)
    assert (await parent.end()).code == 1


async def test_a_wrong_target_ends_it(command):
    parent = await command("", "run", "shop:ap", "--reload")
    result = await parent.end()
    assert (result.errors, result.code) == ("Error: module 'shop' has no 'ap'\n", 2)


async def test_the_folder_of_a_file_is_watched_wherever_it_is(process, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    write(tmp_path / "there" / "worker.py", APP)
    arguments = ["run", "../there/worker.py", "--reload"]
    parent = await process("-m", "asyncworker", *arguments, cwd=tmp_path / "here")
    await parent.printed("started; routes")
    write(tmp_path / "there" / "worker.py", CHANGED)
    await parent.printed("up the second version")
    parent.send(signal.SIGTERM)
    assert (await parent.end()).code == 0


async def test_a_change_during_a_drain_is_not_lost(command, tmp_path):
    slow = (
        APP
        + """
import asyncio

@app.run_on_shutdown
async def wait(app):
    say("draining")
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
"""
    )
    parent = await command(slow, "run", "shop", "--reload")
    await parent.printed("started; routes")
    write(tmp_path / "shop.py", CHANGED)
    await parent.printed("draining")
    write(tmp_path / "shop.py", CHANGED.replace("second", "third"))
    (tmp_path / "go").touch()
    await parent.printed("up the third version")
    parent.send(signal.SIGTERM)
    assert (await parent.end()).code == 0
