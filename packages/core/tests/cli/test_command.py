"""The command line, in this process: its options, and those of `run`."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from asyncworker.backend import load_backend
from asyncworker.cli.command import main
from asyncworker.cli.size import size_of
from asyncworker.version import __version__
from packages.core.tests.cli.shop import APP, invoke

# Run


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
    monkeypatch.setattr("asyncworker.cli.command.load_backend", lambda route_type: None)
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


@pytest.mark.parametrize("option", [["--max-messages", "5"], ["--max-memory", "1G"]])
def test_what_replaces_processes_needs_several(module, option):
    module(ENDING)
    result = invoke("run", "shop", *option)
    reason = "--max-messages and --max-memory replace one of several processes: give --workers"
    assert result.stderr.endswith(f"Error: {reason}\n")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("written", "size"),
    [("1", 1), ("512k", 512 * 2**10), ("512M", 512 * 2**20), ("1.5GB", 3 * 2**29)],
)
def test_a_size_is_bytes_with_a_unit_or_none(written, size):
    assert size_of(None, None, written) == size


@pytest.mark.parametrize("written", ["", "0", "M", "-1", "1T", "1 G", "lots"])
def test_what_is_no_size_is_one_line(module, written):
    module(ENDING)
    result = invoke("run", "shop", "--workers", "2", f"--max-memory={written}")
    reason = f"Invalid value for '--max-memory': {written!r} is no size: write it as 512M or 1G"
    assert result.stderr.endswith(f"Error: {reason}\n")
    assert result.exit_code == 2


def test_the_exit_code_is_that_of_the_run(module):
    module("from asyncworker import App\napp = App()\n@app.run_on_startup\ndef fail(app): 1 / 0\n")
    assert invoke("run", "shop", "--log-level", "critical").exit_code == 1


def test_reload_without_watchfiles_says_what_to_install(module, monkeypatch):
    module(ENDING)
    # Another test may have imported it, and what needs it.
    monkeypatch.delitem(sys.modules, "asyncworker.processes.reloader", raising=False)
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
    monkeypatch.setattr("asyncworker.processes.children.os", SimpleNamespace(name="nt"))
    result = invoke("run", "shop", *option)
    assert result.stderr.startswith("Error: --workers and --reload need Linux, macOS")
    assert result.exit_code == 1


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
