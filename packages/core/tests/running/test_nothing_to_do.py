"""An app without routes and schedules says so: the handlers are somewhere else."""

import json
import signal
import sys
from types import ModuleType

import pytest

from asyncworker import App

EMPTY = """
from asyncworker import App
app = App()
"""
TWICE = """
from asyncworker import App
app = App()
if __name__ == "__main__":
    import handlers
    app.started_hooks.append(App.shutdown)
    app.run()
"""
HANDLERS = """
from shop import app

@app.run_every(60)
async def tidy(): ...
"""


def test_it_is_a_warning(logs):
    app = App()
    app.started_hooks.append(App.shutdown)
    app.run()
    (record,) = logs.matching("the app has no routes and no schedules, and so nothing to do")
    assert record.levelname == "WARNING"


async def test_a_module_that_is_there_twice_is_named(process, tmp_path):
    (tmp_path / "shop.py").write_text(TWICE)
    (tmp_path / "handlers.py").write_text(HANDLERS)
    worker = await process("-m", "shop", cwd=tmp_path)
    result = await worker.end()
    (message,) = result.messages
    assert message == (
        "the app has no routes and no schedules, and so nothing to do: shop:app has some, and is "
        "another App: a module that is run as __main__ and imported by its name is there twice"
    )


async def test_it_is_a_problem_to_the_check(command):
    checking = await command(EMPTY, "check", "shop")
    result = await checking.end()
    assert result.code == 1
    (line,) = result.output
    assert line.endswith("import the modules whose handlers it should have before it runs")


async def test_it_is_but_a_note_where_hooks_may_do_the_work(command):
    hook = "app.run_on_startup(print)"
    checking = await command(EMPTY + hook, "check", "shop")
    result = await checking.end()
    assert (result.code, result.output[-1]) == (0, "ok, routes: 0")
    assert result.output[0].startswith("note: the app has no routes and no schedules")
    running = await command(EMPTY + hook, "run", "shop")
    line = json.loads(await running.printed("no routes and no schedules"))
    assert line["level"] == "INFO"
    running.send(signal.SIGTERM)
    await running.end()


@pytest.fixture
def odd_module(monkeypatch):
    # An app that another test has imported is one that has the handlers.
    for name, known in list(sys.modules.items()):
        if any(issubclass(type(one), App) for one in getattr(known, "__dict__", {}).values()):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "odd", None)
    module = ModuleType("other")
    module.empty = App()
    monkeypatch.setitem(sys.modules, "other", module)


@pytest.mark.usefixtures("odd_module")
def test_what_is_in_other_modules_does_no_harm(logs):
    app = App()
    app.started_hooks.append(App.shutdown)
    app.run()
    assert logs.matching("import the modules whose handlers it should have")


def test_an_app_with_a_schedule_is_not_empty(logs):
    app = App()

    @app.run_every(60)
    async def stop(app):
        app.shutdown()

    app.run()
    assert not logs.matching("no routes")
