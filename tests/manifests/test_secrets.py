"""Manifests say where a secret comes from, and hold none."""

import re

import pytest
from click.testing import CliRunner

from asyncworker.cli.command import main

APP = """
import os

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[
    AMQPConnection(url="amqp://ana:s3cret-of-url@127.0.0.1:1/shop", name="by-url"),
    AMQPConnection(hostname="127.0.0.1", username="eve", password=os.environ["SHOP_PASSWORD"],
                   name="by-keywords"),
    AMQPConnection(name="by-environment"),
])

@app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, connection="by-url")
async def store(messages):
    pass

@app.route(["refunds"], type=RouteTypes.AMQP_RABBITMQ, connection="by-keywords")
async def pay(messages):
    pass

@app.route(["mails"], type=RouteTypes.AMQP_RABBITMQ, connection="by-environment")
async def send(messages):
    pass
"""


@pytest.mark.parametrize("kind", ["kubernetes", "keda", "systemd", "compose"])
def test_no_manifest_holds_a_secret(manifest, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "amqp://bob:s3cret-of-variable@127.0.0.1:1/")
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret-of-keyword")
    monkeypatch.setenv("SHOP_TOKEN", "s3cret-of-others")
    more = ("--handler-seconds", "1") if kind == "keda" else ()
    result = manifest(kind, "-o", "here", *more, app=APP)
    assert (result.exit_code, result.stderr) == (0, "")
    here = tmp_path / "here"
    files = [one for one in [here, *here.rglob("*")] if one.is_file()]
    texts = [result.output, *(one.read_text() for one in files)]
    assert len(texts) > 1
    assert [text for text in texts if "s3cret" in text] == []


def test_a_new_project_keeps_its_password_in_one_file_that_is_left_out(project):
    secrets = (project / "parcels.env").read_text()
    [password] = re.findall("^RABBITMQ_DEFAULT_PASS=(.+)$", secrets, re.MULTILINE)
    assert len(password) >= 24
    assert f"amqp://parcels:{password}@rabbitmq:5672/" in secrets
    holding = [one for one in project.rglob("*") if one.is_file() and password in one.read_text()]
    assert holding == [project / "parcels.env"]
    assert "*.env" in (project / ".gitignore").read_text().splitlines()
    assert (project / "parcels.env").stat().st_mode & 0o077 == 0


def test_each_project_has_a_password_of_its_own(project, tmp_path):
    CliRunner().invoke(main, ("new", "letters"), prog_name="asyncworker")
    one, other = ((tmp_path / f"{name}/{name}.env").read_text() for name in ("parcels", "letters"))
    assert one.splitlines()[2] != other.splitlines()[2]
