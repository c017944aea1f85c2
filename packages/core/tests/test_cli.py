"""The command line, in this process: targets, tables, checks, projects."""

import asyncio
import os
import subprocess
import sys
from textwrap import dedent
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from asyncworker.backend import load_backend
from asyncworker.cli import main
from asyncworker.version import __version__

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


@pytest.fixture
def module(tmp_path, monkeypatch, kafka):
    """Write the module `shop` into the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # What the command sets is put back.
    for name in ("LOOP", "LOGLEVEL", "HTTP_HOST", "HTTP_PORT"):
        monkeypatch.setenv(f"ASYNCWORKER_{name}", "")
        monkeypatch.delenv(f"ASYNCWORKER_{name}")
    known = set(sys.modules)

    def write(text, name="shop.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))

    yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]


def invoke(*arguments):
    return CliRunner().invoke(main, arguments, prog_name="asyncworker")


def table(result):
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()]


# Targets


@pytest.mark.parametrize("target", ["shop:app", "shop", "shop.py", "shop.py:app", "shop:"])
def test_a_target_is_a_module_or_a_file_with_an_attribute(module, target):
    module(APP)
    assert table(invoke("routes", target))[1][0] == "KAFKA"


def test_a_target_is_in_a_package(module):
    module("", "stock/__init__.py")
    module(APP, "stock/worker.py")
    assert len(table(invoke("routes", "stock.worker:app"))) == 3


def test_a_file_in_a_package_may_import_its_neighbours(module):
    module("", "stock/__init__.py")
    module("names = ['a']", "stock/names.py")
    module(f"from .names import names\n{APP}", "stock/worker.py")
    assert len(table(invoke("routes", "stock/worker.py"))) == 3


def test_a_factory_is_called(module):
    module(f"{APP}\nmade, app = app, None\ndef make(): return made")
    assert len(table(invoke("routes", "shop:make"))) == 3


def test_a_module_that_ends_with_a_run_is_only_looked_at(module):
    module(f"{APP}\napp.run()\n")
    assert len(table(invoke("routes", "shop"))) == 3


@pytest.mark.parametrize("command", ["run", "routes", "check"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shop:ap", "module 'shop' has no 'ap': did you mean app? choose from app"),
        ("sho", "there is no module 'sho': did you mean shop? choose from shop, stock"),
        ("sho:app", "there is no module 'sho': did you mean shop? choose from shop, stock"),
        (
            "stock.names",
            (
                "there is no module 'stock.names': did you mean stock.name? "
                "choose from stock.app, stock.depot, stock.name"
            ),
        ),
        ("shop.app", "there is no module 'shop.app': write shop:app"),
        (
            "sho.py",
            "there is no module 'sho': did you mean shop? choose from shop, stock",
        ),
        ("stock", "stock:app is a module: write stock.app:app"),
        ("stock:depot", "stock:depot is a module: write stock.depot:worker"),
        (":app", "':app' names no module: write module:app"),
        ("a..b", "there is no module 'a..b': choose from shop, stock"),
        ("shop:number", "shop:number is no App, and no function that makes one: 1"),
        ("shop:later", "shop:later is async: a function that makes an App must not be"),
        (
            "shop:needy",
            "shop:needy cannot be called without arguments: missing a required argument: 'name'",
        ),
        ("shop:wrong", "shop:wrong was called for an App, and returned 'nothing'"),
    ],
)
def test_a_wrong_target_is_one_line_with_the_nearest_name(module, command, target, reason):
    module("from . import depot", "stock/__init__.py")
    module("", "stock/name.py")
    module("", "stock/app.py")
    module("from asyncworker import App\nworker = App()", "stock/depot.py")
    module(
        f"""{APP}
number = 1
async def later(): ...
def needy(name): ...
def wrong(): return "nothing"
"""
    )
    result = invoke(command, target)
    assert (result.stderr, result.exit_code) == (f"Error: {reason}\n", 2)
    assert result.stdout == ""


def test_without_an_app_the_functions_of_a_module_are_offered(module):
    module("from os import path\nfrom json import loads\ndef make(): ...\n")
    reason = "module 'shop' has no 'app': choose from make"
    assert invoke("routes", "shop").stderr == f"Error: {reason}\n"


def test_of_many_modules_only_near_ones_are_offered(module):
    for number in range(20):
        module("", f"module{number}.py")
    module("", "shop.py")
    reason = "there is no module 'shopp': did you mean shop? choose from shop"
    assert invoke("routes", "shopp").stderr == f"Error: {reason}\n"
    assert invoke("routes", "xyz").stderr == "Error: there is no module 'xyz'\n"


@pytest.mark.parametrize("command", ["run", "routes"])
def test_what_an_import_raises_is_shown_as_the_users_own_traceback(module, command):
    module("def first():\n    return 1 / 0\n\nfirst()\n")
    result = invoke(command, "shop")
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('shop.py", line 4, in <module>')
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "asyncworker" not in result.stderr
    assert "importlib" not in result.stderr
    assert result.exit_code == 1


def test_what_a_factory_raises_is_shown_as_the_users_own_traceback(module):
    module("def make():\n    raise ValueError('no config')\n")
    result = invoke("run", "shop:make")
    lines = result.stderr.splitlines()
    assert lines[1].endswith('shop.py", line 2, in make')
    assert lines[-1] == "ValueError: no config"
    assert "asyncworker" not in result.stderr
    assert result.exit_code == 1


def test_a_wrong_option_of_a_route_points_to_the_users_line(module):
    module(APP.replace("BULK_SIZE: 10", "BULK_SIZE: 0"))
    lines = invoke("run", "shop").stderr.splitlines()
    assert 'shop.py", line 7, in <module>' in lines[1]
    assert lines[-1].endswith(
        "Options.BULK_SIZE: input should be greater than or equal to 1, got 0"
    )
    assert not [line for line in lines if "asyncworker/" in line]


def test_a_module_that_misses_another_one_is_not_taken_for_missing_itself(module):
    module("import nowhere_to_be_found")
    result = invoke("run", "shop")
    assert result.stderr.splitlines()[-1].endswith("No module named 'nowhere_to_be_found'")
    assert result.exit_code == 1


def test_a_syntax_error_is_shown_where_it_is(module):
    module("def broken(:\n")
    result = invoke("run", "shop")
    assert 'shop.py", line 1' in result.stderr
    assert result.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert "asyncworker" not in result.stderr


# run


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--workers", "0"], "0 is not in the range x>=1"),
        (["--workers", "many"], "'many' is not a valid int"),
        (["--workers", "2", "--reload"], "--reload runs one process: leave out --workers"),
        (["--port", "80800"], "80800 is not in the range 0<=x<=65535"),
        (["--loop", "trio"], "'trio' is not one of 'asyncio', 'uvloop'"),
        (["--log-level", "loud"], "'loud' is not one of 'DEBUG', 'INFO'"),
    ],
)
def test_a_wrong_option_of_the_command_is_a_usage_error(module, arguments, reason):
    result = invoke("run", "shop", *arguments)
    assert reason in result.stderr.replace("debug", "DEBUG").replace("info", "INFO")
    assert result.exit_code == 2


ENDING = """
import logging
from asyncworker import App
app = App()

@app.run_on_startup
def tell(app):
    print(app.settings.loop, app.settings.loglevel)
    app.shutdown()
"""


def test_options_go_before_the_environment(module, monkeypatch):
    module(ENDING)
    monkeypatch.setenv("ASYNCWORKER_LOGLEVEL", "info")
    monkeypatch.setenv("ASYNCWORKER_LOOP", "uvloop")
    result = invoke("run", "shop", "--loop", "asyncio", "--log-level", "error")
    assert (result.stdout, result.exit_code) == ("asyncio ERROR\n", 0)


def test_host_and_port_are_those_of_http(module, monkeypatch):
    module(
        """
        import os
        from asyncworker import App
        app = App()

        @app.run_on_startup
        def tell(app):
            print(os.environ["ASYNCWORKER_HTTP_HOST"], os.environ["ASYNCWORKER_HTTP_PORT"])
            app.shutdown()
        """
    )
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "80")
    arguments = ("run", "shop", "--host", "0.0.0.0", "--port", "0")
    monkeypatch.setattr("asyncworker.cli.load_backend", lambda route_type: None)
    assert invoke(*arguments).stdout == "0.0.0.0 0\n"


def test_host_and_port_need_the_distribution_that_serves_http(module, monkeypatch):
    module("from asyncworker import App\napp = App()\n")
    monkeypatch.setattr("asyncworker.backend.backend_entry_points", list)
    load_backend.cache_clear()
    result = invoke("run", "shop", "--port", "0")
    load_backend.cache_clear()
    reason = "RouteTypes.HTTP is provided by asyncworker-http: pip install asyncworker-http"
    assert result.stderr == f"Error: {reason}\n"
    assert result.exit_code == 1


def test_without_options_the_environment_stands(module, monkeypatch):
    module(ENDING)
    monkeypatch.setenv("ASYNCWORKER_LOGLEVEL", "error")
    assert invoke("run", "shop").stdout == "asyncio ERROR\n"


def test_a_loop_that_is_not_installed_is_one_line(module, monkeypatch):
    module(ENDING)
    monkeypatch.setitem(sys.modules, "uvloop", None)
    result = invoke("run", "shop", "--loop", "uvloop")
    assert result.stderr == (
        "Error: ASYNCWORKER_LOOP=uvloop needs uvloop: pip install asyncworker-core[uvloop]\n"
    )
    assert result.exit_code == 1


def test_the_exit_code_is_that_of_the_run(module):
    module("from asyncworker import App\napp = App()\n@app.run_on_startup\ndef fail(app): 1 / 0\n")
    assert invoke("run", "shop", "--log-level", "critical").exit_code == 1


def test_reload_without_watchfiles_says_what_to_install(module, monkeypatch):
    module(ENDING)
    # Another test may have imported it, and what needs it.
    monkeypatch.delitem(sys.modules, "asyncworker.reloader", raising=False)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    result = invoke("run", "shop", "--reload")
    assert result.stderr == (
        "Error: --reload needs watchfiles: pip install 'asyncworker-core[cli]'\n"
    )
    assert result.exit_code == 2


@pytest.mark.parametrize("option", [["--workers", "2"], ["--reload"]])
def test_a_wrong_setting_of_the_parent_is_one_line(module, monkeypatch, option):
    module(ENDING)
    monkeypatch.setenv("ASYNCWORKER_LOGLEVEL", "loud")
    result = invoke("run", "shop", *option)
    assert result.stderr.startswith("Error: ASYNCWORKER_LOGLEVEL: input should be 'DEBUG'")
    assert result.exit_code == 1


@pytest.mark.parametrize("option", [["--workers", "2"], ["--reload"]])
def test_where_processes_cannot_be_supervised_that_is_one_line(module, monkeypatch, option):
    module(ENDING)
    monkeypatch.setattr("asyncworker.supervision.os", SimpleNamespace(name="nt"))
    result = invoke("run", "shop", *option)
    assert result.stderr.startswith("Error: --workers and --reload need Linux, macOS")
    assert result.exit_code == 1


# routes


def test_the_table_has_a_row_for_each_route(module):
    module(APP)
    heads, first, second = table(invoke("routes", "shop"))
    assert heads == ["TYPE", "ROUTES", "HANDLER", "OPTIONS", "CONNECTION"]
    assert first == [
        "KAFKA",
        "orders,",
        "refunds",
        "shop.handle",
        "group=shop",
        "bulk_size=10",
        "main",
    ]
    assert second[:4] == ["PULSAR", "events", "shop.follow", "group=workers"]


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


def test_the_table_has_a_row_for_each_schedule(module):
    module(SCHEDULES)
    result = invoke("routes", "shop")
    assert result.stdout.splitlines()[1:] == [
        "SCHEDULE  every 30 s                 shop.count   timeout=20.0",
        "SCHEDULE  at '30 2 * * MON-FRI' UTC  shop.report",
    ]


def test_the_table_is_drawn_on_a_terminal(module, kafka):
    module(APP)
    drawn = on_terminal("routes", "shop")
    assert "┏" in drawn
    assert "orders, refunds" in drawn


def test_the_table_is_plain_on_a_terminal_without_rich(module, tmp_path):
    module(APP)
    (tmp_path / "rich.py").write_text("raise ImportError")
    drawn = on_terminal("routes", "shop")
    assert drawn.splitlines()[0].startswith("TYPE    ROUTES")


def on_terminal(*arguments):
    """Return what the command writes to a terminal of 200 columns."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    path = [path for path in sys.path if path.endswith("site-packages")]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with os.fdopen(theirs, "wb", buffering=0) as end:
            command = [sys.executable, "-m", "asyncworker", *arguments]
            process = subprocess.Popen(command, stdout=end, env=environment)
        assert process.wait(60) == 0
        return terminal.read(65536).decode()


# check


def test_an_app_that_could_work_is_ok(module):
    module(APP)
    result = invoke("check", "shop")
    assert (result.stdout, result.exit_code) == ("ok, routes: 2\n", 0)


def test_schedules_are_counted_too(module):
    module(SCHEDULES)
    assert invoke("check", "shop").stdout == "ok, routes: 0; schedules: 2\n"


def test_each_problem_is_a_line(module, kafka, monkeypatch):
    module(APP)
    asked = []

    async def check(app, routes):
        asked.extend(routes)
        return ["the first is missing", "the second too"]

    monkeypatch.setattr(kafka.kafka, "check", check, raising=False)
    result = invoke("check", "shop")
    assert result.stdout == "the first is missing\nthe second too\n"
    assert result.exit_code == 1
    assert [route.routes for route in asked] == [("orders", "refunds")]


def test_a_connection_without_routes_is_tried_too(module, kafka, monkeypatch):
    module(APP.partition("@app.route")[0])

    async def check(app, routes):
        return [f"{len(routes)} routes"]

    monkeypatch.setattr(kafka.pulsar, "check", check, raising=False)
    assert invoke("check", "shop").stdout == "0 routes\n"


@pytest.mark.parametrize("command", ["check", "routes", "run"])
def test_a_misspelt_setting_is_told_before_anything_runs(module, monkeypatch, command):
    module("from asyncworker import App\napp = App()\n")
    monkeypatch.setenv("ASYNCWORKER_HTTP_PROT", "8081")
    result = invoke(command, "shop")
    assert result.exit_code == 1
    assert "did you mean ASYNCWORKER_HTTP_PORT?" in result.output


def test_a_check_has_a_time_limit_that_stops_no_other(module, kafka, monkeypatch):
    module(APP)

    async def hang(app, routes):
        await asyncio.Event().wait()

    async def check(app, routes):
        return ["found"]

    monkeypatch.setattr(kafka.kafka, "check", hang, raising=False)
    monkeypatch.setattr(kafka.pulsar, "check", check, raising=False)
    result = invoke("check", "shop", "--timeout", "0.01")
    assert result.stdout == "RouteTypes.KAFKA: no answer within 0.01 s\nfound\n"
    assert result.exit_code == 1


def test_a_check_that_fails_itself_is_a_line(module, kafka, monkeypatch):
    module(APP)

    async def fail(app, routes):
        raise LookupError("nowhere")

    monkeypatch.setattr(kafka.kafka, "check", fail, raising=False)
    assert invoke("check", "shop").stdout == "RouteTypes.KAFKA: LookupError('nowhere')\n"


def test_an_app_that_cannot_be_imported_is_one_line(module):
    module("1 / 0")
    result = invoke("check", "shop")
    assert result.stderr == (
        "Error: importing shop failed: ZeroDivisionError('division by zero')\n"
    )
    assert result.exit_code == 1


def test_hooks_and_handlers_are_not_called(module):
    module(f"{APP}\n@app.run_on_startup\n@app.run_on_shutdown\ndef hook(app): print('called')\n")
    assert invoke("check", "shop").stdout == "ok, routes: 2\n"


# new


def test_a_new_project_is_written(module, tmp_path):
    result = invoke("new", "parcels")
    files = ["worker.py", "test_worker.py", "pytest.ini", "requirements.txt", "Dockerfile"]
    assert result.stdout.splitlines() == [f"wrote parcels/{name}" for name in files]
    assert sorted(files) == sorted(path.name for path in (tmp_path / "parcels").iterdir())
    assert 'Queue("parcels", dead_letter=True)' in (tmp_path / "parcels" / "worker.py").read_text()
    assert result.exit_code == 0


def test_a_project_that_exists_is_left_alone(module, tmp_path):
    (tmp_path / "parcels").mkdir()
    result = invoke("new", "parcels")
    assert result.stderr == ("Error: parcels exists: choose another name, nothing is overwritten\n")
    assert result.exit_code == 2
    assert list((tmp_path / "parcels").iterdir()) == []


@pytest.mark.parametrize("name", ["1st", "a b", "a'b", "..", "-"])
def test_a_name_that_cannot_be_a_worker_is_one_line(module, tmp_path, name):
    result = invoke("new", "--", name)
    assert f"{name!r} is no name for a worker" in result.stderr
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["site-packages"]


def test_a_folder_that_cannot_be_made_is_one_line(module, tmp_path):
    (tmp_path / "file").write_text("")
    result = invoke("new", "file/parcels")
    assert result.stderr == "Error: cannot make file/parcels: Not a directory\n"
    assert result.exit_code == 2


# The command itself


def test_the_version_is_that_of_core():
    assert invoke("--version").stdout == f"{__version__}\n"


def test_the_module_is_the_command():
    command = [sys.executable, "-m", "asyncworker", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == f"{__version__}\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_shells_are_given_their_completion(shell):
    result = CliRunner().invoke(
        main, prog_name="asyncworker", env={"_ASYNCWORKER_COMPLETE": f"{shell}_source"}
    )
    assert f"_ASYNCWORKER_COMPLETE={shell}_complete" in result.output


def test_options_and_modules_are_completed(module):
    module(APP)

    def complete(words, number):
        environment = {
            "_ASYNCWORKER_COMPLETE": "zsh_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        result = CliRunner().invoke(main, prog_name="asyncworker", env=environment)
        return result.output.split("\n")[1::3]

    assert complete("asyncworker ru", 1) == ["run"]
    assert complete("asyncworker run --w", 2) == ["--workers"]
    assert complete("asyncworker run sh", 2) == ["shop"]
