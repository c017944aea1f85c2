"""`asyncworker new`: the files of a new project."""

import pytest

from packages.core.tests.cli.shop import invoke

FILES = [
    "worker.py",
    "test_worker.py",
    "pytest.ini",
    "requirements.txt",
    "requirements-dev.txt",
    "Dockerfile",
    ".dockerignore",
    ".gitignore",
    ".github/workflows/ci.yml",
    ".github/dependabot.yml",
    "parcels.env",
    "compose.yaml",
    "monitoring/prometheus.yml",
    "monitoring/alerts.yml",
    "monitoring/dashboards/asyncworker.json",
    "monitoring/grafana/datasources/prometheus.yml",
    "monitoring/grafana/dashboards/folder.yml",
    "deploy/parcels.service",
]


def test_a_new_project_is_written(module, tmp_path):
    result = invoke("new", "parcels")
    assert result.stdout.splitlines() == [f"wrote parcels/{name}" for name in FILES]
    parcels = tmp_path / "parcels"
    found = [str(one.relative_to(parcels)) for one in parcels.rglob("*") if one.is_file()]
    assert sorted(FILES) == sorted(found)
    assert 'Queue("parcels", dead_letter=True)' in (tmp_path / "parcels" / "worker.py").read_text()
    assert result.exit_code == 0


def test_a_project_that_exists_is_left_alone(module, tmp_path):
    (tmp_path / "parcels").mkdir()
    result = invoke("new", "parcels")
    assert result.stderr == ("Error: parcels exists: choose another name, nothing is overwritten\n")
    assert result.exit_code == 2
    assert list((tmp_path / "parcels").iterdir()) == []


def test_a_name_that_hosts_may_not_have_is_written_as_they_may(module, tmp_path):
    assert invoke("new", "My_Parcels").exit_code == 0
    folder = tmp_path / "My_Parcels"
    assert 'Queue("My_Parcels", dead_letter=True)' in (folder / "worker.py").read_text()
    assert (folder / "my-parcels.env").exists()
    assert "\n  my-parcels:\n" in (folder / "compose.yaml").read_text()


@pytest.mark.parametrize("name", ["1st", "a b", "a'b", "..", "-", "a-", "a" * 51])
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
