"""Tell whether versions, changelogs, tags and dependencies agree; build what a tag releases.

python scripts/release.py                     checks all packages
python scripts/release.py core-v1.2.0         checks that this tag may release core
python scripts/release.py --build core-v1.2.0 does so, and builds core into dist/

Exit codes: 0, they agree; 1, they do not; 2, no package has such a tag.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from scripts.packages import ROOT, Package, Unreadable, read_packages
from scripts.release_check import Check

TAG = re.compile(r"(?P<name>.+)-v(?P<version>\d.*)")


class WrongTag(Exception):
    """Report a tag that releases nothing."""


def tagged(tag: str, packages: dict[str, Package]) -> tuple[Package, str]:
    """Return the package that a tag releases, and the version.

    Raises: WrongTag
    """
    found = TAG.fullmatch(tag)
    if found is None:
        raise WrongTag(f"{tag!r} is no tag of a release: write PACKAGE-vVERSION, as core-v1.2.0")
    if found["name"] not in packages:
        known = ", ".join(sorted(packages))
        raise WrongTag(f"{tag!r}: there is no package {found['name']!r}, only {known}")
    return packages[found["name"]], found["version"]


def build(package: Package, out: Path) -> int:
    """Build the sdist, and the wheel from that sdist, as all that `out` holds."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "uv", "build", "--out-dir", str(out), str(package.folder)]
    return subprocess.run(command, check=False).returncode


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
        released = tagged(asked.tag, packages) if asked.tag else None
    except WrongTag as error:
        return _fail(2, str(error))
    except Unreadable as error:
        return _fail(1, str(error))
    if released is None:
        return _check_all(packages, root)
    package, version = released
    check = Check(package, packages, root)
    found = [*check.problems(), *check.obstacles(version)]
    if found:
        return _fail(1, *(f"{package.name}: {problem}" for problem in found))
    print(f"{package.distribution} {version} may be released")
    return build(package, root / "dist") if asked.build else 0


def _check_all(packages: dict[str, Package], root: Path) -> int:
    found = [
        f"{package.name}: {problem}"
        for package in packages.values()
        for problem in Check(package, packages, root).problems()
    ]
    for package in packages.values():
        print(f"{package.distribution} {package.version}, {package.releases[0].date}")
    return _fail(1, *found) if found else 0


def _fail(code: int, *lines: str) -> int:
    for line in lines:
        print(f"release: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
