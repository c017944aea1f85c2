"""Keep a copy of this checkout where a tree can see it."""

import shutil
import subprocess
from pathlib import Path

from scripts import ROOT

Stamp = tuple[int, int, int]


class CheckoutError(Exception):
    """Report a checkout that cannot be copied."""


class Checkout:
    """Own a copy of all files that git does not ignore, changes that are not committed included.

    What is ignored stays apart: each has caches of its own, which the next run finds again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._copied: dict[str, Stamp] = {}

    def update(self) -> None:
        """Make the copy equal to the checkout."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _git(self.folder, "init", "--quiet")
        options = ["--quiet", "--tags", "--force", "--update-shallow"]
        _git(self.folder, "fetch", *options, str(ROOT), "HEAD")
        _git(self.folder, "reset", "--quiet", "FETCH_HEAD")
        self._copied = _stamps(ROOT)
        present = _stamps(self.folder)
        for name in present.keys() - self._copied.keys():
            (self.folder / name).unlink()
        for name, stamp in self._copied.items():
            if present.get(name) != stamp:
                _copy(ROOT / name, self.folder / name)

    def bring_back(self) -> list[str]:
        """Copy what was changed here into the checkout; return what was changed there as well."""
        there = _stamps(ROOT)
        conflicts = []
        for name, stamp in _stamps(self.folder).items():
            if stamp == self._copied.get(name):
                continue
            if there.get(name) == self._copied.get(name):
                _copy(self.folder / name, ROOT / name)
            else:
                conflicts.append(name)
        return conflicts


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckoutError(f"git cannot {arguments[0]} in {folder}: {done.stderr.strip()}")
    return done.stdout


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Return the files that git does not ignore, and what differs when one of them changes."""
    names = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    stamps = {}
    for name in names.split("\0"):
        path = folder / name
        if name and (path.is_symlink() or path.is_file()):
            stat = path.lstat()
            stamps[name] = stat.st_mode, stat.st_size, stat.st_mtime_ns
    return stamps


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
