"""The files that a new project begins with."""

from __future__ import annotations

import re
from importlib.resources import files
from secrets import token_urlsafe
from string import Template
from typing import TYPE_CHECKING, Final

from asyncworker.cli.manifests.compose import compose
from asyncworker.cli.manifests.files import NotWritten, written
from asyncworker.cli.manifests.systemd import systemd
from asyncworker.cli.manifests.worker import Worker, label_of
from asyncworker.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_-]{0,48}[A-Za-z0-9])?")

TEMPLATES: Final = {
    "worker.py": "worker.txt",
    "test_worker.py": "worker_test.txt",
    "pytest.ini": "pytest.txt",
    "requirements.txt": "requirements.txt",
    "requirements-dev.txt": "requirements_dev.txt",
    "Dockerfile": "dockerfile.txt",
    ".dockerignore": "dockerignore.txt",
    ".gitignore": "gitignore.txt",
    ".github/workflows/ci.yml": "workflow.txt",
    ".github/dependabot.yml": "dependabot.txt",
}
"""Each file, and what it is made of."""


def write_project(folder: Path) -> list[Path]:
    """Write a worker, its test and what runs it into a new folder; return the files.

    Raises: NotWritten
    """
    if not NAME.fullmatch(folder.name):
        raise NotWritten(
            f"{folder.name!r} is no name for a worker: use up to 50 letters, digits, _ and -, "
            "a letter first"
        )
    texts = _texts(folder.name)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise NotWritten(f"{folder} exists: choose another name, nothing is overwritten") from None
    except OSError as error:
        raise NotWritten(f"cannot make {folder}: {error.strerror}") from None
    files = written({folder / name: text for name, text in texts.items()})
    for file in files:
        if file.suffix == ".env":
            file.chmod(0o600)
    return files


def _texts(name: str) -> dict[str, str]:
    worker = Worker(name=label_of(name), target="worker")
    # A password of its own, as one that everybody knows ends up where it can be reached.
    secret = {"password": token_urlsafe(18)}
    values = {"name": name, "label": worker.name, "version": __version__}
    return {
        **{file: _filled(template, values) for file, template in TEMPLATES.items()},
        f"{worker.name}.env": _filled("env.txt", values | secret),
        **compose(worker),
        **{f"deploy/{file}": text for file, text in systemd(worker).items()},
    }


def _filled(template: str, values: dict[str, str]) -> str:
    return Template((files(__name__) / template).read_text("utf-8")).substitute(values)
