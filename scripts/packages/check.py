"""What must agree before a package is released, each thing that does not in one line."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from scripts.packages.package import UNRELEASED, Package


@dataclass(frozen=True, slots=True)
class Check:
    """Check one package of a repository."""

    package: Package
    packages: dict[str, Package]
    root: Path

    def problems(self) -> Iterator[str]:
        """Tell what does not agree, whether the package is released now or not."""
        yield from self._versions()
        yield from self._days()
        yield from self._requirements()
        yield from self._tags()

    def obstacles(self, version: str) -> Iterator[str]:
        """Tell what keeps the package from being released as this version."""
        newest = self.package.releases[0]
        if version != self.package.version:
            yield (
                f"the tag says {version}, the package is {self.package.version}: "
                f"tag it {self.package.tag}, or raise its version first"
            )
        if newest.date == UNRELEASED:
            yield (
                f"CHANGELOG.md says that {newest.version} is {UNRELEASED}: "
                "write the day there, commit, and tag that commit"
            )
        for requirement, other in self._ours():
            least = _least(requirement)
            if least is not None and other.date_of(least) == UNRELEASED:
                yield f"it needs {other.name} {least}, which is {UNRELEASED}: release that first"

    def _versions(self) -> Iterator[str]:
        newest = self.package.releases[0].version
        if newest != self.package.version:
            yield (
                f"CHANGELOG.md begins with {newest}, the package is {self.package.version}: "
                "change one of them"
            )
        try:
            versions = [Version(release.version) for release in self.package.releases]
        except InvalidVersion as error:
            yield f"CHANGELOG.md: {error}: write it as 1.2.3, or 1.2.3rc1"
            return
        for newer, older in pairwise(versions):
            if newer <= older:
                yield f"CHANGELOG.md has {newer} above {older}: the newest comes first, each once"

    def _days(self) -> Iterator[str]:
        for place, release in enumerate(self.package.releases):
            if release.date == UNRELEASED:
                if place > 0:
                    yield f"CHANGELOG.md: {release.version} is {UNRELEASED}, but not the newest"
            elif not _is_day(release.date):
                yield (
                    f"CHANGELOG.md: {release.version} has {release.date!r} for a day: "
                    f"write 2026-01-31, or {UNRELEASED}"
                )

    def _requirements(self) -> Iterator[str]:
        for requirement, other in self._ours():
            least = _least(requirement)
            if least is None:
                yield f"it needs {requirement} of any version: write {requirement.name}>=VERSION"
            elif not requirement.specifier.contains(other.version, prereleases=True):
                yield f"it needs {requirement}, which is {other.version} here: change one of them"
            elif other.date_of(least) is None:
                yield f"it needs {other.name} {least}, which the CHANGELOG.md of that has not"

    def _tags(self) -> Iterator[str]:
        tags = self._git("tag", "--list", f"{self.package.name}-v*").split()
        for tag in tags:
            version = tag.removeprefix(f"{self.package.name}-v")
            if self.package.date_of(version) in {None, UNRELEASED}:
                yield f"the tag {tag} is there, but CHANGELOG.md has no day for {version}"
        if self.package.tag in tags and self._git(
            "diff", "--name-only", self.package.tag, "--", f"{self.package.folder}/src"
        ):
            yield (
                f"its code is not that of {self.package.tag} any more: raise its version, "
                f"and begin CHANGELOG.md with what is {UNRELEASED}"
            )

    def _ours(self) -> Iterator[tuple[Requirement, Package]]:
        """Yield what it needs of our own packages."""
        for requirement in self.package.requirements:
            for package in self.packages.values():
                if package.distribution == requirement.name:
                    yield requirement, package

    def _git(self, *arguments: str) -> str:
        """Return what git says; nothing, where the source came without its history."""
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""


def _least(requirement: Requirement) -> str | None:
    """Return the lowest version that is allowed, if there is one."""
    bounds = (one.version for one in requirement.specifier if one.operator == ">=")
    return next(bounds, None)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
