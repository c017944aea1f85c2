"""Apps whose manifests are written, and the tools that read these.

No cluster, no container engine and no Grafana is here. So no image is built, nothing is applied,
and what they would make of a file that is valid is not seen; what these files say is read by the
schemas and by the tools that are made for it.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from asyncworker.cli.command import main
from scripts import apt

Manifest = Callable[..., Result]
Read = Callable[..., str]

SHOP = """
import os

from asyncworker import App, Options, Rate, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Consumer, Queue

app = App(connections=[AMQPConnection(prefetch=128)])

@app.route([Queue("orders", dead_letter=True)], type=RouteTypes.AMQP_RABBITMQ, vhost="shop",
           options={Options.BULK_SIZE: 10})
async def store(messages):
    pass
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manifest]:
    """Call `asyncworker manifest shop` of a module in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Written twice in a second, a module may look like the one that was compiled.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "memory://")

    def call(kind: str, *arguments: str, more: str = "", app: str = SHOP) -> Result:
        (tmp_path / "shop.py").write_text(dedent(app) + dedent(more))
        sys.modules.pop("shop", None)
        arguments = ("manifest", "shop", "--kind", kind, *arguments)
        return CliRunner().invoke(main, arguments, prog_name="asyncworker")

    yield call
    # An app that stays would be found by a test that has none.
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def written(manifest: Manifest) -> Read:
    """What the command prints, where it works."""

    def call(*arguments: str, **more: str) -> str:
        result = manifest(*arguments, **more)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    return call


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new project."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ("new", "parcels"), prog_name="asyncworker")
    assert (result.exit_code, result.stderr) == (0, "")
    return tmp_path / "parcels"


@pytest.fixture(scope="session")
def systemd_analyze() -> str:
    """The program, of Debian's systemd."""
    if shutil.which("systemd-analyze") is None and apt.is_at_hand():
        apt.install("systemd")
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.fail("no systemd-analyze here: install Debian's package systemd")
    return found
