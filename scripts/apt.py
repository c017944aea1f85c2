"""Install packages of Debian and Ubuntu, where that needs nobody's password."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import gettempdir
from typing import Final

STDERR: Final = 2
LOCK: Final = Path(gettempdir()) / "asyncworker-apt.lock"
"""Held while something is installed: apt-get itself does not wait for another one's update."""


def is_at_hand() -> bool:
    """Tell whether apt-get is there, and would not ask for a password."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> bool:
    """Install a package; return whether that worked."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # One repository that cannot be reached fails the update, and the rest may do.
        _apt_get("update")
        return _apt_get("install", "-y", "--no-install-recommends", package)


def _apt_get(*args: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Its chatter would mix with the command's stdout.
    done = subprocess.run(["apt-get", *args], env=environment, stdout=STDERR, check=False)
    return done.returncode == 0
