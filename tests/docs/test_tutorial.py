"""The tutorial, followed by somebody who has Python and nothing else."""

import os
import sysconfig

import pytest

from tests.docs.blocks import ROOT, Page
from tests.docs.page import Run, check_text
from tests.docs.reporting import reported
from tests.docs.terminal import INSTALLING, new_variables


@pytest.fixture
def variables(wheels, tmp_path):
    """The environment of a user for whom pip takes these wheels for what is published."""
    folders = [str(wheel.path.parent) for wheel in wheels.values()]
    links = " ".join([*folders, os.environ.get("PIP_FIND_LINKS", "")])
    constraints = tmp_path / "constraints.txt"
    versions = [f"{name}=={wheel.metadata['Version']}\n" for name, wheel in wheels.items()]
    constraints.write_text("".join(versions))
    return {
        **new_variables(),
        "PIP_CONSTRAINT": str(constraints),
        "PIP_FIND_LINKS": links,
        # Of what is installed, it imports a tenth.
        "PIP_NO_COMPILE": "1",
    }


def installed(folder, wheel):
    """Tell whether what is installed is this wheel, and no other of its name and version."""
    files = [line for line in wheel.texts["RECORD"].decode().split() if ".dist-info/" not in line]
    name = wheel.metadata["Name"].replace("-", "_")
    record = folder / f"{name}-{wheel.metadata['Version']}.dist-info" / "RECORD"
    return record.exists() and set(files) <= set(record.read_text().split())


@pytest.mark.slow
@pytest.mark.timeout(2 * INSTALLING)
def test_the_tutorial_leads_from_nothing_to_a_worker_that_passes_its_test(
    variables, wheels, tmp_path
):
    page = Page.read(ROOT / "docs" / "tutorial.md")
    with reported(), Run.started(page, tmp_path, variables) as run:
        check_text(page)
        for block in page.blocks:
            run.block(block)
        run.end()
        environment = run.shell.terminal.variables["VIRTUAL_ENV"]
    packages = sysconfig.get_path("purelib", vars={"base": environment})
    assert {"asyncworker-core", "asyncworker-rabbitmq"} <= {
        name for name, wheel in wheels.items() if installed(run.folder / packages, wheel)
    }
    commands = [block.content for block in page.blocks if block.language == "console"]
    assert any(command.startswith("$ pytest") for command in commands)
