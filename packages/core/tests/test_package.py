import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import asyncworker

PUBLIC = [
    "Actions",
    "App",
    "Blueprint",
    "Breaker",
    "Call",
    "Cookie",
    "DefaultValues",
    "Events",
    "FileCursor",
    "Form",
    "Header",
    "Once",
    "Options",
    "Pause",
    "Rate",
    "RouteOptions",
    "RouteType",
    "RouteTypes",
    "UploadedFile",
    "__version__",
    "codecs",
]


def test_the_public_names():
    assert asyncworker.__all__ == PUBLIC
    assert all(hasattr(asyncworker, name) for name in PUBLIC)


def test_the_version_is_that_of_the_distribution():
    assert asyncworker.__version__ == version("asyncworker-core")


def test_the_package_is_typed():
    assert Path(asyncworker.__file__).with_name("py.typed").exists()


def test_other_distributions_add_to_the_package(install, monkeypatch):
    monkeypatch.setattr(asyncworker, "__path__", list(asyncworker.__path__))
    folder = install.folder / "asyncworker"
    folder.mkdir()
    (folder / "addition.py").write_text("here = True\n")
    code = "from asyncworker import App, addition; assert addition.here"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": install.folder})


def test_core_imports_no_backend():
    code = (
        "import sys, asyncworker.models, asyncworker.connections\n"
        "asyncworker.App(); list(asyncworker.RouteTypes)\n"
        "backends = {f'asyncworker.{name}' for name in ('rabbitmq', 'sse', 'http', 'utils')}\n"
        "assert not backends & set(sys.modules)\n"
        "assert not {'aio_pika', 'aiormq', 'aiohttp'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_core_imports_slow_libraries_when_they_are_needed():
    code = (
        "import sys, asyncworker.connections, asyncworker.options\n"
        "slow = {'pydantic', 'pydantic_core', 'aiologger'}\n"
        "assert not slow & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_app_imports_nothing_that_only_mistakes_and_commands_need():
    code = (
        "import sys, asyncworker\n"
        "asyncworker.App()\n"
        "assert not {'argparse', 'difflib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_imported_late_is_offered_like_all_else():
    assert asyncworker.RouteOptions is asyncworker.options.RouteOptions
    assert issubclass(asyncworker.RouteOptions, asyncworker.options.HandlerOptions)


@pytest.mark.parametrize("module", [asyncworker, asyncworker.options])
def test_a_misspelt_name_is_an_error(module):
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'Route"):
        _ = module.RouteOption


def test_who_runs_no_command_imports_nothing_of_it():
    code = (
        "import sys, asyncworker\n"
        "asyncworker.App()\n"
        "assert not {'click', 'rich', 'watchfiles', 'asyncworker.cli.command'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_imports_no_backend_and_no_extra():
    code = (
        "import sys, asyncworker.cli.command\n"
        "assert not {'aio_pika', 'aiohttp', 'rich', 'watchfiles'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
