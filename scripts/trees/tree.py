"""Keep trees: folders that each hold another Debian system, with its broker and its Python."""

import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts import apt
from scripts.trees import enclosure, host

SUITES = {
    "bookworm": "RabbitMQ 3.10, Python 3.11",
    "trixie": "RabbitMQ 4.0, Python 3.13",
    "sid": "RabbitMQ 4.3, Python 3.14",
}
PACKAGES = "ca-certificates,git,procps,python3,python3-pip,python3-venv,rabbitmq-server"

# In its own venv, as a system's Python may refuse to install into itself (PEP 668); once, even
# where two ask for it at the same time.
HATCH = f"""
exec 9>{host.HOME}/hatch.lock
flock 9
test -x /usr/local/bin/hatch || {{
    python3 -m venv {host.HOME}/hatch
    {host.HOME}/hatch/bin/pip install --quiet hatch
    ln -s {host.HOME}/hatch/bin/hatch /usr/local/bin/hatch
}} >&2
exec 9>&-
"""


class TreeError(Exception):
    """Report a tree that cannot be had."""


class Tree:
    """Own the tree of a suite, in the user's cache folder."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.folder = cache_folder() / suite

    def make(self) -> None:
        """Make the tree, unless it is there; wait for whoever makes it already.

        Raises: TreeError
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.folder.with_suffix(".lock")):
            if not self.folder.exists():
                self._bootstrap()

    def run(self, command: Sequence[str], folder: Path, temporary: Path) -> int:
        """Run a command in a folder of the tree; return its exit code.

        temporary: the folder that the command has as its /tmp.
        """
        root = shlex.quote(str(self.folder))
        inside = f'set -e\n{HATCH}cd {self._place_of(folder)}\nexec "$@"'
        steps = [
            "set -e",
            # What is to be a root for namespaces of its own must be a mount.
            f"mount --bind {root} {root}",
            f"mount --rbind /dev {root}/dev",
            f"mount -t proc proc {root}/proc",
            f"mount --bind {shlex.quote(str(temporary))} {root}/tmp",
            *host.mounts(self.folder),
            f'exec chroot {root} sh -c {shlex.quote(inside)} sh "$@"',
        ]
        command = ["sh", "-c", "\n".join(steps), "sh", *command]
        return enclosure.run(command, host.environment())

    def _place_of(self, folder: Path) -> str:
        return shlex.quote(f"/{folder.relative_to(self.folder)}")

    def _bootstrap(self) -> None:
        # What a broken attempt left is never taken for a tree.
        unfinished = self.folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
        # Without a mirror, as on Ubuntu, debootstrap takes its own.
        mirror = apt.debian_mirror()
        command += [self.suite, str(unfinished), *([mirror] if mirror else [])]
        log = self.folder.with_suffix(".log")
        with log.open("wb") as output:
            code = enclosure.run(command, dict(os.environ), output)
        if code != 0:
            raise TreeError(f"debootstrap cannot make {self.suite}: the end of {log} tells why")
        unfinished.rename(self.folder)


def check_machine() -> None:
    """See to it that trees can be had here, and install what makes them.

    Raises: TreeError
    """
    if os.geteuid() != 0:
        raise TreeError('a tree needs root: take sudo env "PATH=$PATH" hatch run on ...')
    if shutil.which("debootstrap") is None:
        if not apt.is_at_hand():
            raise TreeError("a tree needs debootstrap, a package of Debian and Ubuntu")
        if not apt.install("debootstrap", "debian-archive-keyring"):
            raise TreeError("a tree needs debootstrap, and apt-get could not install it")
    if not enclosure.is_possible():
        raise TreeError("a tree needs namespaces of mounts and processes, and unshare is refused")


def cache_folder() -> Path:
    """Return the folder that trees are kept in."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "asyncworker" / "trees"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock for as long as this process lives, at most."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
