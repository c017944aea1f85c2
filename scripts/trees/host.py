"""Say what of this machine a tree sees: how to reach the network and its packages."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

HOME = "/root"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CONFIGURATION = (
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/etc/uv",
    "/etc/xdg/pip",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
)
AT_HOME = (".config/pip", ".config/uv", ".netrc", ".npmrc", ".pip")

OWN = re.compile(
    r"HOME|PATH|PWD|OLDPWD|SHELL|TMPDIR|LANG|VIRTUAL_ENV|_?PYENV_.*|(LC|LD|XDG|HATCH|PYTHON|COVERAGE)_?.*"
)
"""Variables that a system has for itself."""
ABOUT_PACKAGES = re.compile(r"(PIP|UV)_|.*(CERT|CA_BUNDLE|CAINFO)")
LOCAL = re.compile(r"(?:file://|(?<![^\s=\"',]))(/[^\s\"',]+)")
"""A path, in the text of a configuration."""


def environment() -> dict[str, str]:
    """Return the variables of a command in a tree: ours, less those of this system alone."""
    kept = {name: value for name, value in os.environ.items() if not OWN.fullmatch(name)}
    return kept | {"HOME": HOME, "PATH": PATH, "LANG": "C.UTF-8"}


def mounts(tree: Path) -> list[str]:
    """Return the commands that show a tree what it needs of this machine, and make their places."""
    return [_mount(source, tree / place[1:]) for source, place in _shared(tree).items()]


def _shared(tree: Path) -> dict[Path, str]:
    """Return each file and folder that a tree sees, and where."""
    wanted = {Path(each): each for each in CONFIGURATION}
    wanted |= {Path.home() / each: f"{HOME}/{each}" for each in AT_HOME}
    shared = {source: place for source, place in wanted.items() if source.exists()}
    for path in _named_in([*shared]):
        seen = any(path.is_relative_to(each) for each in shared)
        if not seen and not _is_its_own(tree / path.relative_to("/")):
            shared[path] = str(path)
    return shared


def _named_in(configuration: list[Path]) -> Iterator[Path]:
    """Return what pip's and uv's settings name on this machine: a cache of wheels, a list."""
    texts = [value for name, value in os.environ.items() if ABOUT_PACKAGES.match(name)]
    for path in configuration:
        if path.name in ("pip", "uv", ".pip", "pip.conf"):
            files = path.iterdir() if path.is_dir() else [path]
            texts += [file.read_text(errors="replace") for file in files if file.is_file()]
    for name in sorted({name for text in texts for name in LOCAL.findall(text)}):
        path = Path(name)
        if path.exists():
            # An index of packages lies in a folder beside that of their files.
            yield path.parent if path.name == "simple" else path


def _is_its_own(path: Path) -> bool:
    """Tell whether a tree has this itself: what we make to mount upon is empty."""
    files = path.rglob("*") if path.is_dir() else [path]
    return any(file.is_file() and file.stat().st_size > 0 for file in files)


def _mount(source: Path, place: Path) -> str:
    if place.is_symlink():
        place.unlink()
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    return f"mount --bind -o ro {shlex.quote(str(source.resolve()))} {shlex.quote(str(place))}"
