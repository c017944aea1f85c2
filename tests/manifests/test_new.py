"""What `asyncworker new` writes, read by the tool that each file is for.

No image is built here; the tests of a new project, and a run of it, are in tests/test_cli.py.
"""

import re

import pytest
import yaml

from asyncworker import __version__
from scripts.prometheus import find_or_install
from tests.manifests.tools import passes, problems_of, tool


def test_the_dockerfile_has_no_fault(project):
    passes(tool("hadolint"), project / "Dockerfile")


def test_the_linter_of_dockerfiles_is_strict(project):
    file = project / "Dockerfile"
    file.write_text(file.read_text().replace("python:3.13.16-slim-trixie\nENV", "python\nENV"))
    with pytest.raises(AssertionError, match="DL3006"):
        passes(tool("hadolint"), file)


def test_the_image_is_small_pinned_looked_after_and_not_root(project):
    text = (project / "Dockerfile").read_text()
    [image] = re.findall("^FROM (.+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)
    assert re.findall("^USER (.+)$", text, re.MULTILINE) == ["65534:65534"]
    assert 'CMD ["asyncworker", "health"]' in text
    assert text.endswith('CMD ["asyncworker", "run", "worker"]\n')
    ignored = (project / ".dockerignore").read_text().splitlines()
    assert [line for line in ignored if not line.startswith("#")] == [
        "*",
        "!requirements.txt",
        "!*.py",
    ]


def test_what_is_installed_is_pinned(project):
    lines = (project / "requirements.txt").read_text().splitlines()
    assert lines == [f"asyncworker-core[rabbitmq,http,metrics]=={__version__}"]


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("compose-spec", "compose.yaml"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("dependabot", ".github/dependabot.yml"),
    ],
)
def test_files_are_those_of_their_schemas(project, schema, file):
    assert problems_of(schema, (project / file).read_text()) == []


def test_the_schemas_are_read(project):
    text = (project / "compose.yaml").read_text()
    assert "'imago'" in str(problems_of("compose-spec", text.replace("image:", "imago:")))


def test_workflows_do_not_invite_anybody(project):
    passes(tool("zizmor"), "--offline", "--quiet", project / ".github")


def test_the_workflow_runs_the_tests_beside_a_rabbitmq_4(project):
    [job] = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["services"]["rabbitmq"]["image"].startswith("rabbitmq:4.")
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert "pytest" in runs
    assert "asyncworker check worker" in runs


def test_prometheus_takes_its_configuration(project):
    config = project / "monitoring" / "prometheus.yml"
    passes(find_or_install("promtool"), "check", "config", config)


def test_systemd_takes_the_unit(project, systemd_analyze):
    unit = project / "deploy" / "parcels.service"
    program = project / ".venv" / "bin" / "asyncworker"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit.write_text(unit.read_text().replace("/srv/parcels", str(project)))
    assert passes(systemd_analyze, "verify", "--man=no", unit) == ""


def test_ruff_has_nothing_to_say(project):
    passes(tool("ruff"), "check", "--isolated", ".", cwd=project)
    passes(tool("ruff"), "format", "--isolated", "--check", ".", cwd=project)
