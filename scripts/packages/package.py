"""What the packages of this repository say of themselves: versions, changelogs, dependencies."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from scripts import ROOT

PREFIX = "asyncworker-"
UNRELEASED = "unreleased"
HEADING = re.compile(r"^## (?P<text>.*)$", re.MULTILINE)
RELEASE = re.compile(r"\[(?P<version>[^\]]+)\] - (?P<date>\S+)")
VERSION = re.compile(r'^__version__ = "(?P<version>[^"]*)"$', re.MULTILINE)


class Unreadable(Exception):
    """Report a file that does not say what it must."""


@dataclass(frozen=True, slots=True)
class Release:
    """Name a version of a changelog, and its day: 2026-01-31, or unreleased."""

    version: str
    date: str


@dataclass(frozen=True, slots=True)
class Package:
    """Hold what one folder of `packages/` is published as."""

    folder: Path
    distribution: str
    version: str
    requirements: tuple[Requirement, ...]
    releases: tuple[Release, ...]
    """Those of the changelog, the newest first."""

    @property
    def name(self) -> str:
        """Return what its tags begin with: `core` for `core-v1.2.0`."""
        return self.distribution.removeprefix(PREFIX)

    @property
    def tag(self) -> str:
        """Return the tag that releases it as it is now."""
        return f"{self.name}-v{self.version}"

    def date_of(self, version: str) -> str | None:
        """Return the day of a release, `unreleased`, or None when the changelog has it not."""
        return next((one.date for one in self.releases if one.version == version), None)

    @classmethod
    def read(cls, folder: Path) -> "Package":
        """Read a package.

        Raises: Unreadable
        """
        pyproject = tomllib.loads((folder / "pyproject.toml").read_text())
        project = pyproject["project"]
        return cls(
            folder=folder,
            distribution=project["name"],
            version=_version(folder, pyproject),
            requirements=tuple(map(Requirement, project["dependencies"])),
            releases=tuple(_releases(folder / "CHANGELOG.md")),
        )


def read_packages(root: Path = ROOT) -> dict[str, Package]:
    """Return the packages by their names, in order.

    Raises: Unreadable
    """
    folders = sorted(file.parent for file in root.glob("packages/*/pyproject.toml"))
    return {package.name: package for package in map(Package.read, folders)}


def _version(folder: Path, pyproject: dict[str, Any]) -> str:
    file = folder / pyproject["tool"]["hatch"]["version"]["path"]
    found = VERSION.search(file.read_text())
    if found is None:
        raise Unreadable(f'{file}: no version: write __version__ = "1.2.3"')
    return found["version"]


def _releases(changelog: Path) -> list[Release]:
    if not changelog.is_file():
        raise Unreadable(f"{changelog}: there is none: write what users will notice")
    releases = []
    for heading in HEADING.finditer(changelog.read_text()):
        found = RELEASE.fullmatch(heading["text"])
        if found is None:
            raise Unreadable(
                f"{changelog}: {heading['text']!r} is no heading of a release: "
                f"write ## [1.2.3] - 2026-01-31, or ## [1.2.3] - {UNRELEASED}"
            )
        releases.append(Release(found["version"], found["date"]))
    if not releases:
        raise Unreadable(f"{changelog}: no release in it: write ## [1.2.3] - {UNRELEASED}")
    return releases
