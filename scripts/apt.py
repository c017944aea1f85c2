"""Install packages of Debian and Ubuntu, where that needs nobody's password."""

import fcntl
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Final

STDERR: Final = 2
INDEX: Final = (
    r"'(https?://\S+?)/*/dists/(?:(?:old)*stable|testing|unstable|sid|bookworm|trixie|forky)"
    r"(?:-(?:updates|backports))?/InRelease'"
)
LOCK: Final = Path(gettempdir()) / "asyncworker-apt.lock"
"""Held while something is installed: apt-get itself does not wait for another one's update."""
POLICY = Path("/usr/sbin/policy-rc.d")


def is_at_hand() -> bool:
    """Tell whether apt-get is there, and would not ask for a password."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> bool:
    """Install packages, none of whose services is started; return whether that worked."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _no_service():
            # One repository that cannot be reached fails the update, and the rest may do.
            _apt_get("update")
            return _apt_get("install", "-y", "--no-install-recommends", *packages)


def debian_mirror() -> str | None:
    """Return the mirror of Debian that apt takes its packages from, if there is one."""
    if shutil.which("apt-get") is None:
        return None
    uris = subprocess.run(
        ["apt-get", "update", "--print-uris"], capture_output=True, text=True, check=False
    )
    return mirror_in(uris.stdout)


def mirror_in(uris: str) -> str | None:
    """Return the mirror of Debian among what `apt-get update --print-uris` would fetch.

    It is the one with most of Debian's suites: others serve packages for one of them.
    """
    found = Counter(re.findall(INDEX, uris)).most_common(1)
    return found[0][0] if found else None


@contextmanager
def _no_service() -> Iterator[None]:
    """Keep packages from starting system-wide servers (invoke-rc.d(8), POLICY)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _apt_get(*args: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Its chatter would mix with the command's stdout.
    done = subprocess.run(["apt-get", *args], env=environment, stdout=STDERR, check=False)
    return done.returncode == 0
