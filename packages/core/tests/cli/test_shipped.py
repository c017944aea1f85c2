"""Files that the command brings along."""

import json
import sys

import pytest
import yaml

from packages.core.tests.cli.shop import invoke


def test_prints_a_dashboard_for_grafana():
    result = invoke("dashboard")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "asyncworker"


def test_prints_alerts_for_prometheus():
    result = invoke("alerts")
    assert result.exit_code == 0
    assert [group["name"] for group in yaml.safe_load(result.stdout)["groups"]] == ["asyncworker"]


@pytest.mark.parametrize("name", ["dashboard", "alerts"])
def test_writes_a_file(name, tmp_path):
    file = tmp_path / "written"
    assert (invoke(name, "-o", str(file)).stdout, file.read_text()) == ("", invoke(name).stdout)
    result = invoke(name, "--output", str(tmp_path / "no" / "folder"))
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr


@pytest.mark.parametrize("name", ["dashboard", "alerts"])
def test_needs_no_library_for_it(name, monkeypatch):
    for module in [one for one in sys.modules if one.startswith("asyncworker.metrics")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert invoke(name).exit_code == 0
