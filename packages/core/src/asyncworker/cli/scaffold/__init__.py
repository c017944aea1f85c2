"""The files that a new project begins with."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

TEMPLATES: Final = {
    "worker.py": "worker.txt",
    "test_worker.py": "worker_test.txt",
    "pytest.ini": "pytest.txt",
    "requirements.txt": "requirements.txt",
    "Dockerfile": "dockerfile.txt",
}
"""Each file, and what it is made of."""


class NotWritten(AsyncWorkerError):
    """Report a project that was not written."""


def write_project(folder: Path) -> list[Path]:
    """Write a worker, its test and what a container needs into a new folder; return the files.

    Raises: NotWritten, with nothing written.
    """
    if not NAME.fullmatch(folder.name):
        raise NotWritten(
            f"{folder.name!r} is no name for a worker: use letters, digits, _ and -, a letter first"
        )
    texts = {folder / name: _text(template, folder.name) for name, template in TEMPLATES.items()}
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise NotWritten(f"{folder} exists: choose another name, nothing is overwritten") from None
    except OSError as error:
        raise NotWritten(f"cannot make {folder}: {error.strerror}") from None
    for path, text in texts.items():
        path.write_text(text)
    return list(texts)


def _text(template: str, name: str) -> str:
    return Template((files(__name__) / template).read_text()).substitute(name=name)
