"""Tell whether versions, changelogs, tags and dependencies agree; build what a tag releases.

python -m scripts.packages.release                     checks all packages
python -m scripts.packages.release core-v1.2.0         checks that this tag may release core
python -m scripts.packages.release --build core-v1.2.0 does so, and builds core into dist/

Exit codes: 0, they agree; 1, they do not; 2, no package has such a tag.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts import ROOT
from scripts.packages.check import Check
from scripts.packages.package import Package, Unreadable, read_packages

TAG = re.compile(r"(?P<name>.+)-v(?P<version>\d.*)")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tag", nargs="?", help="which must release a package as it is now")
    parser.add_argument("--build", action="store_true", help="build that package into dist/")
    asked = parser.parse_args(arguments)
    if asked.build and asked.tag is None:
        parser.error("--build needs a tag")
    try:
        packages = read_packages(root)
    except Unreadable as error:
        return _fail(1, str(error))
    if asked.tag is None:
        return _check_all(packages, root)
    found = TAG.fullmatch(asked.tag)
    if found is None:
        form = "write PACKAGE-vVERSION, as core-v1.2.0"
        return _fail(2, f"{asked.tag!r} is no tag of a release: {form}")
    package = packages.get(found["name"])
    if package is None:
        known = ", ".join(sorted(packages))
        return _fail(2, f"{asked.tag!r}: there is no package {found['name']!r}, only {known}")
    check = Check(package, packages, root)
    problems = [*check.problems(), *check.obstacles(found["version"])]
    if problems:
        return _fail(1, *(f"{package.name}: {problem}" for problem in problems))
    print(f"{package.distribution} {package.version} may be released")
    return build(package, root / "dist") if asked.build else 0


def build(package: Package, out: Path) -> int:
    """Build the sdist, and the wheel from that sdist, as all that `out` holds."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "uv", "build", "--out-dir", str(out), str(package.folder)]
    return subprocess.run(command, check=False).returncode


def _check_all(packages: dict[str, Package], root: Path) -> int:
    found = []
    for package in packages.values():
        print(f"{package.distribution} {package.version}, {package.releases[0].date}")
        problems = Check(package, packages, root).problems()
        found += [f"{package.name}: {problem}" for problem in problems]
    return _fail(1, *found) if found else 0


def _fail(code: int, *lines: str) -> int:
    for line in lines:
        print(f"release: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
