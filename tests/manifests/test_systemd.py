"""What is written for systemd, read by systemd itself."""

import re

import pytest

from tests.manifests.tools import passes

HTTP = """
@app.http.get("/")
async def index():
    pass
"""


@pytest.fixture
def unit(written, tmp_path):
    """Write a unit whose program and files are there, which systemd looks for."""

    def write(*arguments):
        text = written("systemd", *arguments).replace("/srv/shop", str(tmp_path))
        program = tmp_path / ".venv" / "bin" / "asyncworker"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        path = tmp_path / "shop.service"
        path.write_text(text)
        return path

    return write


def value(text, name):
    [found] = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return found


@pytest.mark.parametrize("replicas", ["1", "4"])
def test_systemd_takes_the_unit(unit, systemd_analyze, replicas):
    assert passes(systemd_analyze, "verify", "--man=no", unit("--replicas", replicas)) == ""


def test_systemd_is_asked_strictly(unit, systemd_analyze):
    path = unit()
    path.write_text(path.read_text().replace("KillMode=mixed", "KillModus=mixed"))
    assert "KillModus" in passes(systemd_analyze, "verify", "--man=no", path)


def test_the_unit_may_do_little(unit, systemd_analyze):
    # Of 100, what systemd calls exposure; a unit that says nothing has more than 90.
    passes(systemd_analyze, "security", "--offline=yes", "--threshold=20", unit())


@pytest.mark.parametrize(("drain", "stop"), [("20", "30"), ("120.5", "131")])
def test_the_time_to_stop_is_above_the_drain(written, monkeypatch, drain, stop):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", drain)
    text = written("systemd")
    assert value(text, "TimeoutStopSec") == stop
    assert f"ASYNCWORKER_SHUTDOWN_TIMEOUT={drain}" in value(text, "Environment")


def test_replicas_are_processes_of_one_parent(written):
    one, four = written("systemd"), written("systemd", "--replicas", "4")
    assert value(one, "ExecStart") == "/srv/shop/.venv/bin/asyncworker run shop"
    assert value(four, "ExecStart") == "/srv/shop/.venv/bin/asyncworker run shop --workers 4"
    assert value(four, "KillMode") == "mixed"
